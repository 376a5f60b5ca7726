// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/workers.hpp"

#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/function.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bindings.hpp"
#include "compress_options.hpp"
#include "interruptible.hpp"
#include "json_report.hpp"
#include "loewner/base/error.hpp"
#include "report_text.hpp"

namespace loewner::python {
namespace {

namespace nb = nanobind;
using namespace nb::literals;

using Numbers = std::vector<std::size_t>;

// A session that Python can close.
class WorkersRun {
 public:
  explicit WorkersRun(const CompressOptions& options)
      : options_(options), session_(interruptible([&] { return open_for_workers(options); })) {}

  CompressSession& session() {
    require(session_ != nullptr, [] { return std::string("WorkersRun: the run is closed"); });
    return *session_;
  }
  void close() { session_.reset(); }
  void leave(bool keeps_parts) {
    close();
    interruptible([&] { leave_parts(options_, keeps_parts); });
  }

 private:
  CompressOptions options_;
  std::unique_ptr<CompressSession> session_;
};

void bind_run(nb::module_& m) {
  nb::class_<WorkersRun> run(m, "WorkersRun",
                             "An output whose parts other processes make. Until it is closed, no other run writes the "
                             "output.");
  const auto open =
      function_of_options<>([](const CompressOptions& options) { return std::make_unique<WorkersRun>(options); });
  with_option_names([&](const auto&... arguments) { run.def(nb::new_(open), arguments...); });
  run.def_prop_ro(
         "parts", [](WorkersRun& self) { return parts_to_make(self.session()); },
         "All parts, the most expensive first; empty if the output is complete.")
      .def_prop_ro(
          "max_memory", [](WorkersRun& self) { return self.session().max_memory(); },
          "The limit of resident memory in bytes.")
      .def(
          "plan", [](WorkersRun& self) { interruptible([&] { self.session().plan(); }); },
          "Divides the budget; workers then read one file for all surveys.")
      .def("leave", &WorkersRun::leave, "keeps_parts"_a, "Closes a run that failed; its parts stay or are removed.")
      .def(
          "__enter__", [](nb::handle_t<WorkersRun> self) { return nb::object(nb::borrow(self)); },
          nb::sig("def __enter__(self) -> WorkersRun"))
      .def(
          "__exit__", [](WorkersRun& self, const nb::object&, const nb::object&, const nb::object&) { self.close(); },
          "type"_a.none(), "value"_a.none(), "traceback"_a.none());
}

void bind_part_to_make(nb::module_& m) {
  nb::class_<PartToMake>(m, "PartToMake", "A part of an output: the encoding of one tensor.")
      .def_ro("number", &PartToMake::number, "Of the tensor in CompressSession.tensors.")
      .def_ro("name", &PartToMake::name)
      .def_ro("cost", &PartToMake::cost, "Predicted time, in no unit.")
      .def_ro("memory", &PartToMake::memory, "Bytes of memory that its encoding takes, about.")
      .def_ro("surveyed", &PartToMake::is_surveyed, "What planning needs to know of the tensor is kept.")
      .def_ro("made", &PartToMake::is_made, "Its encoding is kept, or it is known to be copied.");
}

void bind_steps(nb::module_& m) {
  const auto survey = function_of_options<Numbers>([](const CompressOptions& options, const Numbers& tensors) {
    interruptible([&] { survey_parts(options, tensors); });
  });
  const auto make = function_of_options<Numbers>([](const CompressOptions& options, const Numbers& tensors) {
    interruptible([&] { make_parts(options, tensors); });
  });
  const auto define = [&](const auto&... arguments) {
    m.def("survey_parts", survey, arguments..., "Keeps what planning needs to know of tensors, by number.");
    m.def("make_parts", make, arguments..., "Keeps the encodings of tensors, by number.");
  };
  with_option_names(define, "tensors"_a);
}

}  // namespace

void bind_workers(nb::module_& m) {
  bind_part_to_make(m);
  bind_run(m);
  bind_steps(m);
  const auto assemble =
      function_of_options<ProgressCallback>([](const CompressOptions& options, const ProgressCallback& progress) {
        const CompressReport report = interruptible([&] { return assemble_parts(options, progress); });
        return std::pair{to_python(to_json(report)), text_to_python(text_of(report, options.dry_run))};
      });
  const auto define = [&](const auto&... arguments) {
    m.def("assemble_parts", assemble, arguments...,
          "Publishes the output whose parts were made. Returns the report of loewner.compress as JSON data, and what "
          "the command line prints of it.");
  };
  with_option_names(define, "progress"_a = nb::none());
}

}  // namespace loewner::python
