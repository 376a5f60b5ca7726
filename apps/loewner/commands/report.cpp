// SPDX-License-Identifier: Apache-2.0
#include "registry.hpp"

namespace loewner::cli {
namespace {

// What `report` and `plot` share: a compressed model and perhaps its original.
class StudyCommand : public PythonCommand {
 protected:
  using PythonCommand::PythonCommand;

  void add_model(Options& options) {
    options.begin(Section::what);
    add<std::string>(options, "OUT", kOutText);
    OptionText against = kAgainstText;
    against.required = false;
    against.help += "; errors are measured again and charts are added";
    add<std::string>(options, "--against", against);
    add_with_default<std::string>(
        options, "--tensor", "",
        {.value = "REGEX", .help = "names of the tensors that are compared with the original", .default_text = "all"});
  }

  void add_run(Options& options) {
    options.begin(Section::run);
    add_json(options);
    add_quiet(options);
    add_threads(options);
  }
};

class Report final : public StudyCommand {
 public:
  Report()
      : StudyCommand({.name = "report",
                      .summary = "write one HTML page about a compressed model",
                      .examples = {"loewner report small --against all-MiniLM-L6-v2 -o report.html"},
                      .notes = "The page shows sizes, tensors, spectra, errors of rows, certificates and scores, and "
                               "refers to no network.",
                      .python_extra = "loewner"}) {}

  void add_options(Options& options) override {
    add_model(options);
    add_list(options, "--eval",
             {.value = "FILE", .help = "scores to show, written by eval --json", .completes = Completes::files});
    add<std::string>(options, "-o,--output",
                     {.value = "FILE", .help = "HTML file to write", .completes = Completes::files, .required = true});
    add_run(options);
  }
};

class Plot final : public StudyCommand {
 public:
  Plot()
      : StudyCommand({.name = "plot",
                      .summary = "write the charts of report as image files",
                      .examples = {"loewner plot small --against all-MiniLM-L6-v2 -o charts"},
                      .notes = "PNG files need the extra plot: pip install \"loewner[plot]\".",
                      .python_extra = "loewner"}) {}

  void add_options(Options& options) override {
    add_model(options);
    add<std::string>(options, "-o,--output",
                     {.value = "FOLDER",
                      .help = "folder for the files; it is created if it is missing",
                      .completes = Completes::folders,
                      .required = true});
    options.begin(Section::how);
    add_with_default<std::string>(
        options, "--format", "svg",
        {.value = "FORMAT", .help = "format of the files", .default_text = "svg", .choices = {"svg", "png"}});
    add_run(options);
  }
};

}  // namespace

std::unique_ptr<Command> make_report() {
  return std::make_unique<Report>();
}

std::unique_ptr<Command> make_plot() {
  return std::make_unique<Plot>();
}

}  // namespace loewner::cli
