// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/workers.hpp"

#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/function.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>

#include <utility>
#include <vector>

#include "bindings.hpp"
#include "compress_options.hpp"
#include "interruptible.hpp"
#include "json_report.hpp"

namespace loewner::python {
namespace {

namespace nb = nanobind;
using namespace nb::literals;

using Numbers = std::vector<std::size_t>;

void bind_part_to_make(nb::module_& m) {
  nb::class_<PartToMake>(m, "PartToMake", "A part of an output that processes make together: one encoded tensor.")
      .def_ro("number", &PartToMake::number, "Of the tensor in the selection.")
      .def_ro("name", &PartToMake::name)
      .def_ro("cost", &PartToMake::cost, "Predicted time, in no unit.")
      .def_ro("memory", &PartToMake::memory, "Bytes of memory that the encoding takes, about.")
      .def_ro("planned", &PartToMake::is_planned, "What planning needs to know of the tensor is kept.")
      .def_ro("made", &PartToMake::is_made, "Its encoding is kept, or it is known to be copied.");
}

void bind_steps(nb::module_& m) {
  const auto survey = function_of_options<Numbers>([](const CompressOptions& options, const Numbers& tensors) {
    interruptible([&] { survey_parts(options, tensors); });
  });
  const auto make = function_of_options<Numbers>([](const CompressOptions& options, const Numbers& tensors) {
    interruptible([&] { make_parts(options, tensors); });
  });
  with_option_names(
      [&](const auto&... arguments) {
        m.def("survey_parts", survey, arguments..., "Keeps what planning needs to know of tensors, by number.");
        m.def("make_parts", make, arguments..., "Keeps the encodings of tensors, by number.");
      },
      "tensors"_a);
}

}  // namespace

void bind_workers(nb::module_& m) {
  bind_part_to_make(m);
  bind_steps(m);
  const auto parts = function_of_options<bool>([](const CompressOptions& options, bool missing_only) {
    auto all = interruptible([&] { return parts_to_make(options); });
    if (missing_only) std::erase_if(all, [](const PartToMake& part) { return part.is_made; });
    return all;
  });
  const auto assemble =
      function_of_options<ProgressCallback>([](const CompressOptions& options, const ProgressCallback& progress) {
        return to_python(interruptible([&] { return to_json(assemble_parts(options, progress)); }));
      });
  with_option_names(
      [&](const auto&... arguments) {
        m.def("parts_to_make", parts, arguments...,
              "The parts of an output, the most expensive first; empty if it is complete.");
      },
      "missing_only"_a = false);
  with_option_names(
      [&](const auto&... arguments) {
        m.def("assemble_parts", assemble, arguments...,
              "Publishes the output whose parts were made; the report of loewner.compress as JSON data.");
      },
      "progress"_a = nb::none());
}

}  // namespace loewner::python
