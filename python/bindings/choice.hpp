// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <initializer_list>
#include <string>

// Options with a few named values: Python passes a string or a member of the enumeration.
namespace loewner::python {

namespace nb = nanobind;

/// text: the words of an enumeration in signatures, as const_name("'a', 'b'"). Every enumeration of an argument has a
/// specialization; a test compares the words with the members.
template <typename E>
struct ChoiceWords;

/// An argument: the object that was passed, which `chosen` reads.
template <typename E>
struct Choice {
  nb::object given;
};

template <typename E>
struct Word {
  const char* text;
  E value;
  const char* doc = "";
};

/// Binds an enumeration whose members are strings: Status.converged == "converged".
template <typename E>
void bind_choice(nb::module_& m, const char* name, const char* doc, std::initializer_list<Word<E>> words) {
  nb::enum_<E> type(m, name, doc, nb::is_str());
  for (const auto& word : words) type.str_value(word.text, word.value, word.text, word.doc);
}

/// The string of a value, for defaults.
template <typename E>
nb::object word_of(E value) {
  return nb::str(nb::cast(value).attr("value"));
}

/// Errors    ValueError that lists the words when the object is none of them.
template <typename E>
E chosen(const Choice<E>& choice, const char* argument) {
  E value{};
  if (nb::try_cast(choice.given, value)) return value;
  std::string words;
  for (nb::handle member : nb::type<E>()) {
    if (!words.empty()) words += ", ";
    words += nb::cast<std::string>(nb::repr(nb::str(member.attr("value"))));
  }
  const std::string received = nb::cast<std::string>(nb::repr(choice.given));
  throw nb::value_error((std::string(argument) + " must be one of " + words + ", got " + received).c_str());
}

}  // namespace loewner::python

template <typename E>
struct nanobind::detail::type_caster<loewner::python::Choice<E>> {
  NB_TYPE_CASTER(loewner::python::Choice<E>, const_name("typing.Literal[") + loewner::python::ChoiceWords<E>::text +
                                                 const_name("] | ") + const_name<E>())
  bool from_python(handle source, uint32_t, cleanup_list*) noexcept {
    value.given = borrow(source);
    return true;
  }
};
