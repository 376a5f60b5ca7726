// SPDX-License-Identifier: Apache-2.0
#include "results.hpp"

#include <nanobind/stl/string.h>

#include <cstdio>
#include <string>

#include "object_text.hpp"

namespace loewner::python {
namespace {

constexpr std::size_t kLongestList = 4;  // printed in full

template <typename Text>
std::string joined(nb::handle sequence, Text&& text) {
  std::string all;
  for (nb::handle item : sequence) all += (all.empty() ? "" : ", ") + text(item);
  return all;
}

std::string value_text(nb::handle value) {
  if (nb::hasattr(value, "shape")) {
    return text_of(value.attr("dtype")) + "[" + joined(value.attr("shape"), text_of) + "]";
  }
  if (nb::isinstance(value, nb::module_::import_("enum").attr("Enum"))) {
    return nb::cast<std::string>(nb::repr(value.attr("value")));
  }
  if (nb::isinstance<nb::float_>(value)) {
    char text[32];
    std::snprintf(text, sizeof text, "%.6g", nb::cast<double>(value));
    return text;
  }
  if (nb::isinstance<nb::list>(value)) {
    const std::size_t size = nb::len(value);
    if (size > kLongestList) return "[" + std::to_string(size) + " items]";
    return "[" + joined(value, value_text) + "]";
  }
  return nb::cast<std::string>(nb::repr(value));
}

// The place behind the parenthesis that closes the first one.
std::size_t end_of_shape(const std::string& doc) {
  int depth = 0;
  for (std::size_t i = 0; i < doc.size(); ++i) {
    if (doc[i] == '(') ++depth;
    if (doc[i] == ')' && --depth == 0) return i + 1;
  }
  return doc.size();
}

// "name : ndarray of shape (n, k)" of an array whose docstring begins with a shape, else "name : type"; and the text.
std::string attribute_entry(const std::string& name, nb::handle property) {
  const std::string doc = text_of(property.attr("__doc__"));
  const std::string signature = text_of(property.attr("fget").attr("__nb_signature__")[0][0]);
  std::string type = signature.substr(signature.find("-> ") + 3);
  const bool holds_arrays = type.find("ndarray") != std::string::npos;
  if (holds_arrays && doc.starts_with("(")) {
    const std::size_t end = end_of_shape(doc);
    return name + " : ndarray of shape " + doc.substr(0, end) + "\n    " + doc.substr(std::min(end + 1, doc.size())) +
           "\n";
  }
  if (holds_arrays) type = "list of ndarray";
  for (std::size_t at; (at = type.find("loewner._core.")) != std::string::npos;) type.erase(at, 14);
  return name + " : " + type + "\n    " + doc + "\n";
}

}  // namespace

nb::str repr_of(nb::handle self, const std::vector<const char*>& attributes) {
  std::string text = text_of(self.type().attr("__name__")) + "(";
  const char* separator = "";
  for (const char* const name : attributes) {
    text += std::string(separator) + name + "=" + value_text(self.attr(name));
    separator = ", ";
  }
  return nb::str((text + ")").c_str());
}

void document_attributes(const nb::module_& m) {
  const nb::module_ builtins = nb::module_::import_("builtins");
  const nb::object property = builtins.attr("property");
  for (nb::handle type : nb::cast<nb::dict>(m.attr("__dict__")).values()) {
    if (!nb::isinstance<nb::type_object>(type) || nb::hasattr(type, "__members__")) continue;
    std::string entries;
    for (const auto& [name, member] : nb::cast<nb::dict>(builtins.attr("dict")(type.attr("__dict__")))) {
      if (nb::isinstance(member, property)) entries += attribute_entry(text_of(name), member);
    }
    if (entries.empty()) continue;
    const nb::object doc = type.attr("__doc__");
    const std::string summary = doc.is_none() ? "" : text_of(doc) + "\n\n";
    type.attr("__doc__") = nb::str((summary + "Attributes\n----------\n" + entries).c_str());
  }
}

}  // namespace loewner::python
