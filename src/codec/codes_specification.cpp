// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "codec/code_bands.hpp"
#include "codec/spec_field.hpp"
#include "codec/stored_bytes.hpp"
#include "loewner/base/error.hpp"
#include "loewner/codec/codes.hpp"

namespace loewner {
namespace {

// Columns without bits take no bytes, so the file size does not limit their number.
constexpr Index kMostUnboundCols = 1 << 20;

// No fields for a plain ladder.
Json ladder_to_json(const CodeLadder& ladder) {
  Json fields = Json::object();
  if (ladder.is_plain()) return fields;
  for (const auto& band : ladder.bands()) {
    fields["band_cols"].push_back(band.cols);
    fields["band_sizes"].push_back(band.size);
  }
  fields["band_bits"] = ladder.steps();
  return fields;
}

// A list field whose entries have the right type. Json::get() converts between types of numbers, and true to 1.
template <typename T>
std::vector<T> list_field(const Json& spec, const std::string& name, const std::function<bool(const Json&)>& fits) {
  const auto list = detail::spec_field<Json>(spec, name);
  if (!list.is_array() || !std::ranges::all_of(list, fits)) {
    throw IoError("specification: field '" + name + "' has a wrong entry or type, got " + list.dump());
  }
  return list.get<std::vector<T>>();
}

CodeLadder ladder_from_json(const Json& spec, Index cols) {
  if (!spec.contains("band_cols")) return CodeLadder::plain(cols);
  if (cols > kMostUnboundCols) {
    throw IoError("specification: cols of codes in bands must be at most " + std::to_string(kMostUnboundCols));
  }
  const auto is_width = [&](const Json& value) { return detail::is_whole(value, 1, cols); };
  const auto is_bits = [](const Json& value) { return detail::is_whole(value, 0, kMaxCodeBits); };
  const auto band_cols = list_field<Index>(spec, "band_cols", is_width);
  const auto sizes = list_field<float>(spec, "band_sizes", [](const Json& value) { return value.is_number(); });
  const auto bits = list_field<std::vector<std::uint8_t>>(
      spec, "band_bits", [&](const Json& step) { return step.is_array() && std::ranges::all_of(step, is_bits); });
  if (sizes.size() != band_cols.size()) throw IoError("specification: band_sizes must be as many as band_cols");
  std::vector<CodeLadder::Band> bands;
  for (std::size_t g = 0; g < sizes.size(); ++g) bands.push_back({band_cols[g], sizes[g]});
  try {
    CodeLadder ladder(std::move(bands), bits);
    if (bits.size() > CodeLadder::kMostStored) throw IoError("specification: band_bits must have at most 16 steps");
    if (ladder.cols() != cols) throw IoError("specification: band_cols must add up to cols");
    return ladder;
  } catch (const InvalidArgument& error) {
    throw IoError("specification: " + std::string(error.what()));
  }
}

// One path of the trellis continues from band to band at whole bytes.
void require_whole_bytes(const CodeLadder& ladder) {
  const auto& bands = ladder.bands();
  if (std::ranges::any_of(bands.begin(), bands.end() - 1, [](const auto& band) { return band.cols % 8 != 0; })) {
    throw IoError("specification: band_cols of joined codes must be multiples of 8, but for the last");
  }
}

}  // namespace

Json Codes::spec_fields() const {
  Json fields = {{"rotation_seed", seed_},
                 {"scale_exponent", scale_exponent_},
                 {"code_bytes", arrays_.codes.rows},
                 {"has_shared", !arrays_.shared.empty()}};
  fields.update(ladder_to_json(ladder_));
  return fields;
}

std::unique_ptr<EncodedMatrix> Codes::from_tensors(const Json& spec, const ArrayLookup& lookup) {
  const Index rows = detail::size_field(spec, "rows"), cols = detail::size_field(spec, "cols");
  const auto exponent = detail::exponent_field(spec);
  const auto seed = detail::spec_field<Json>(spec, "rotation_seed");
  if (!seed.is_number_unsigned()) throw IoError("specification: rotation_seed must be an integer in [0, 2^64)");
  const bool has_shared = detail::spec_field<bool>(spec, "has_shared");
  if (rows < 1 || cols < 1) throw IoError("specification: rows and cols must be at least 1");
  CodeLadder ladder = ladder_from_json(spec, cols);
  const bool joined = detail::spec_field<std::string>(spec, "structure") == "joined_codes";
  if (joined) require_whole_bytes(ladder);
  const auto highest = static_cast<int>(ladder.steps().size()) - 1;
  Arrays arrays;
  const auto packed = detail::read_stored<std::uint8_t>(lookup("bits"), DType::u8, (rows + 1) / 2);
  for (Index i = 0; i < rows; ++i) arrays.bits.push_back(packed[i / 2] >> 4 * (i % 2) & 15u);
  if (rows % 2 == 1 && packed.back() >> 4 != 0) throw IoError("array 'bits': the unused half byte must be 0");
  const auto bad = std::ranges::find_if(arrays.bits, [&](int step) { return step > highest; });
  if (bad != arrays.bits.end()) {
    throw IoError("array 'bits': row " + std::to_string(bad - arrays.bits.begin()) + " must have at most " +
                  std::to_string(highest) + " bits, got " + std::to_string(*bad));
  }
  if (joined) {
    arrays.log_scales = detail::read_stored<std::uint8_t>(lookup("log_scales"), DType::u8, rows);
  } else {
    arrays.scales = detail::read_stored<std::uint16_t>(lookup("scales"), DType::f16, rows);
    detail::require_finite_halves(arrays.scales, "scales");
  }
  if (has_shared) {
    arrays.shared = detail::read_stored<std::uint16_t>(lookup("shared"), DType::f16, cols);
    detail::require_finite_halves(arrays.shared, "shared");
  } else if (cols > kMostUnboundCols && std::ranges::find(arrays.bits, 0) != arrays.bits.end()) {
    throw IoError("array 'bits': rows of 0 bits need the array 'shared' if cols is above " +
                  std::to_string(kMostUnboundCols));
  }
  arrays.codes = lookup("codes");
  detail::require_array(arrays.codes, DType::u8, detail::offsets_of(arrays.bits, ladder).back());
  if (arrays.codes.rows != detail::size_field(spec, "code_bytes")) {
    throw IoError("specification: code_bytes must be the length of the array 'codes'");
  }
  return std::make_unique<Codes>(std::move(ladder), seed.get<std::uint64_t>(), exponent, std::move(arrays));
}

}  // namespace loewner
