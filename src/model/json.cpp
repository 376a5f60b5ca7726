// SPDX-License-Identifier: Apache-2.0
#include "loewner/model/json.hpp"

#include <algorithm>
#include <limits>
#include <vector>

#include "loewner/base/error.hpp"
#include "model/quoted.hpp"

namespace loewner {
namespace {

constexpr int kMaxDepth = 64;
constexpr std::size_t kMaxOrderedKeys = 10'000;

// Sees every value during parsing and refuses what the parser accepts: deep nesting, repeated keys
// and objects with too many keys.
template <typename Object>
class Strictness {
 public:
  Strictness(const std::string& file, std::size_t max_keys) : file_(file), max_keys_(max_keys) {}

  bool operator()(int depth, typename Object::parse_event_t event, const Object& parsed) {
    using Event = typename Object::parse_event_t;
    const bool opens = event == Event::object_start || event == Event::array_start;
    if (opens && depth >= kMaxDepth) {
      throw IoError(file_ + ": values must be nested at most " + std::to_string(kMaxDepth) + " deep");
    }
    if (event == Event::object_start) keys_.emplace_back();
    if (event == Event::key) add_key(parsed.template get_ref<const std::string&>());
    if (event == Event::object_end) {
      if (keys_.back().size() != parsed.size()) refuse_repeated(keys_.back());
      keys_.pop_back();
    }
    return true;
  }

 private:
  void add_key(const std::string& key) {
    keys_.back().push_back(key);
    if (keys_.back().size() > max_keys_) {
      throw IoError(file_ + ": an object must have at most " + std::to_string(max_keys_) + " keys, got more");
    }
  }
  [[noreturn]] void refuse_repeated(std::vector<std::string>& keys) const {
    std::ranges::sort(keys);
    throw IoError(file_ + ": key " + detail::quoted(*std::ranges::adjacent_find(keys)) + " must not be repeated");
  }

  const std::string& file_;
  std::size_t max_keys_;
  std::vector<std::vector<std::string>> keys_;  // of the open objects; the parser silently drops repeated keys
};

template <typename Object>
Object parse_object(std::string_view text, const std::string& file, std::size_t max_keys) {
  // The parser takes a NUL as the end of the text and ignores the rest.
  if (const auto nul = text.find('\0'); nul != text.npos) {
    throw IoError(file + ": must be JSON, got a NUL at byte " + std::to_string(nul));
  }
  Object object;
  try {
    object = Object::parse(
        text, [strictness = Strictness<Object>(file, max_keys)](int depth, auto event, Object& parsed) mutable {
          return strictness(depth, event, parsed);
        });
  } catch (const typename Object::parse_error& error) {
    throw IoError(file + ": must be UTF-8 JSON, got an error at byte " + std::to_string(error.byte));
  } catch (const typename Object::exception&) {
    throw IoError(file + ": must be JSON, got a number that is out of range");
  }
  if (!object.is_object()) throw IoError(file + ": must be a JSON object, got " + std::string(object.type_name()));
  return object;
}

}  // namespace

Json parse_json_object(std::string_view text, const std::string& file) {
  return parse_object<Json>(text, file, kMaxOrderedKeys);
}

SortedJson parse_sorted_json_object(std::string_view text, const std::string& file) {
  return parse_object<SortedJson>(text, file, std::numeric_limits<std::size_t>::max());
}

}  // namespace loewner
