// SPDX-License-Identifier: Apache-2.0
#include "loewner/model/safetensors_header.hpp"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <unordered_set>
#include <utility>

#include "loewner/base/error.hpp"
#include "model/quoted.hpp"

namespace loewner {
namespace {

// Takes the parser's events instead of a tree of values. So it refuses an invalid value where the
// value begins, a hostile header costs no more memory than its tensors, and it sees repeated keys.
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  HeaderReader(Index data_bytes, const std::string& file) : data_bytes_(data_bytes), file_(file) {}

  SafetensorsHeader take_header() { return std::move(header_); }

  bool null() override { unexpected("null"); }
  bool boolean(bool) override { unexpected("a boolean"); }
  bool number_integer(std::int64_t) override { unexpected("a negative number"); }
  bool number_float(double, const std::string& digits) override { unexpected("the number " + digits.substr(0, 40)); }
  bool binary(nlohmann::json::binary_t&) override { unexpected("binary data"); }

  bool number_unsigned(std::uint64_t value) override {
    if (place_ != Place::shape && place_ != Place::offsets) unexpected("a number");
    if (value > static_cast<std::uint64_t>(std::numeric_limits<Index>::max())) unexpected(std::to_string(value));
    if (place_ == Place::shape) {
      if (tensor_.shape.size() == kMaxDimensions) {
        fail("shape must have at most " + std::to_string(kMaxDimensions) + " dimensions, got more");
      }
      tensor_.shape.push_back(static_cast<Index>(value));
    } else {
      add_offset(static_cast<Index>(value));
    }
    return true;
  }

  bool string(std::string& text) override {
    if (place_ == Place::metadata) {
      header_.metadata[metadata_key_] = text;
    } else if (place_ == Place::tensor && field_ == Field::dtype) {
      const auto known = dtype_from_string(text);
      if (!known) fail("dtype must be a type of the format, got " + detail::quoted(text));
      tensor_.dtype = *known;
    } else {
      unexpected("a string");
    }
    return true;
  }

  bool start_object(std::size_t) override {
    if (place_ == Place::outside) {
      place_ = Place::top;
    } else if (place_ == Place::top && tensor_.name == "__metadata__") {
      place_ = Place::metadata;
    } else if (place_ == Place::top) {
      place_ = Place::tensor;
      fields_seen_ = 0;
      num_offsets_ = 0;
    } else {
      unexpected("an object");
    }
    return true;
  }

  bool key(std::string& key) override {
    if (place_ == Place::top) {
      if (!names_.insert(key).second)
        throw IoError(file_ + ": tensor " + detail::quoted(key) + ": must not be repeated");
      tensor_ = {};
      tensor_.name = key;
    } else if (place_ == Place::metadata) {
      metadata_key_ = key;
      if (!header_.metadata.emplace(key, "").second) fail("key " + detail::quoted(key) + " must not be repeated");
    } else {
      begin_field(key);
    }
    return true;
  }

  bool end_object() override {
    if (place_ == Place::tensor) finish_tensor();
    place_ = place_ == Place::top ? Place::outside : Place::top;
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ != Place::tensor || field_ == Field::dtype) unexpected("an array");
    place_ = field_ == Field::shape ? Place::shape : Place::offsets;
    return true;
  }

  bool end_array() override {
    place_ = Place::tensor;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) override {
    throw IoError(file_ + ": header must be UTF-8 JSON, got an error at byte " + std::to_string(position));
  }

 private:
  enum class Place { outside, top, metadata, tensor, shape, offsets };
  enum class Field : unsigned { dtype = 1, shape = 2, offsets = 4 };
  static constexpr unsigned kAllFields = 7;
  static constexpr std::size_t kMaxDimensions = 64;  // as NumPy and PyTorch

  [[noreturn]] void fail(const std::string& rule) const {
    throw IoError(file_ + ": tensor " + detail::quoted(tensor_.name) + ": " + rule);
  }

  [[noreturn]] void unexpected(const std::string& got) const {
    switch (place_) {
      case Place::outside:
        throw IoError(file_ + ": header must be a JSON object, got " + got);
      case Place::top:
        fail("must be a JSON object, got " + got);
      case Place::metadata:
        fail("key " + detail::quoted(metadata_key_) + " must map to a string, got " + got);
      case Place::tensor:
        if (field_ == Field::dtype) fail("dtype must be a string, got " + got);
        [[fallthrough]];
      default:
        fail((field_ == Field::shape ? "shape" : "data_offsets") +
             std::string(" must be an array of non-negative 63-bit integers, got ") + got);
    }
  }

  void begin_field(const std::string& key) {
    if (key == "dtype") {
      field_ = Field::dtype;
    } else if (key == "shape") {
      field_ = Field::shape;
    } else if (key == "data_offsets") {
      field_ = Field::offsets;
    } else {
      fail("must have the fields dtype, shape and data_offsets only, got " + detail::quoted(key));
    }
    const auto seen = static_cast<unsigned>(field_);
    if (fields_seen_ & seen) fail("field '" + key + "' must not be repeated");
    fields_seen_ |= seen;
  }

  void add_offset(Index value) {
    if (num_offsets_ == 2) fail("data_offsets must be two numbers, got more");
    (num_offsets_ == 0 ? tensor_.begin : tensor_.end) = value;
    ++num_offsets_;
  }

  std::string offsets_text() const {
    std::string text = "[";
    return text += std::to_string(tensor_.begin) + ", " + std::to_string(tensor_.end) + "]";
  }

  void finish_tensor() {
    if (fields_seen_ != kAllFields) fail("must have the fields dtype, shape and data_offsets, got fewer");
    if (num_offsets_ != 2) fail("data_offsets must be two numbers, got " + std::to_string(num_offsets_));
    if (tensor_.begin > tensor_.end) fail("data_offsets must not decrease, got " + offsets_text());
    if (tensor_.end > data_bytes_) {
      fail("data must lie within the file's " + std::to_string(data_bytes_) + " bytes of data, got " + offsets_text());
    }
    const auto bytes = byte_count(tensor_);
    if (!bytes) fail("size must be a whole number of bytes that fits in 63 bits, got another shape");
    if (*bytes != tensor_.bytes()) {
      fail("dtype and shape make " + std::to_string(*bytes) + " bytes, got data_offsets " + offsets_text());
    }
    header_.tensors.push_back(std::move(tensor_));
  }

  Index data_bytes_;
  const std::string& file_;
  SafetensorsHeader header_;
  std::unordered_set<std::string> names_;
  Place place_ = Place::outside;
  TensorInfo tensor_;  // the current one
  std::string metadata_key_;
  Field field_ = Field::dtype;
  unsigned fields_seen_ = 0;
  int num_offsets_ = 0;
};

// Sorts by data and checks that the data section is covered exactly.
void lay_out(SafetensorsHeader& header, Index data_bytes, const std::string& file) {
  std::ranges::stable_sort(header.tensors, {},
                           [](const TensorInfo& tensor) { return std::pair(tensor.begin, tensor.end); });
  Index end = 0;
  for (const auto& tensor : header.tensors) {
    if (tensor.begin != end) {
      throw IoError(file + ": tensor " + detail::quoted(tensor.name) + ": data must begin at " + std::to_string(end) +
                    ", where the data before it end, got " + std::to_string(tensor.begin));
    }
    end = tensor.end;
  }
  if (end != data_bytes) {
    throw IoError(file + ": tensors must cover the data to the end of the file, got " + std::to_string(end) + " of " +
                  std::to_string(data_bytes) + " bytes");
  }
}

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view json, Index data_bytes, const std::string& file) {
  if (!json.starts_with('{')) throw IoError(file + ": header must begin with '{'");
  // The parser takes a NUL as the end of the text and ignores the rest.
  if (const auto nul = json.find('\0'); nul != json.npos) {
    throw IoError(file + ": header must be UTF-8 JSON, got a NUL at byte " + std::to_string(nul));
  }
  HeaderReader reader(data_bytes, file);
  nlohmann::json::sax_parse(json, &reader);
  SafetensorsHeader header = reader.take_header();
  lay_out(header, data_bytes, file);
  return header;
}

}  // namespace loewner
