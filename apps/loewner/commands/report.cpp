// SPDX-License-Identifier: Apache-2.0
#include "registry.hpp"
#include "study_command.hpp"

namespace loewner::cli {
namespace {

class Report final : public StudyCommand {
 public:
  Report()
      : StudyCommand({.name = "report",
                      .summary = "write one HTML page about a compressed model",
                      .examples = {"loewner report small --against all-MiniLM-L6-v2 -o report.html"},
                      .notes = "The page shows sizes, tensors, spectra, errors of rows, certificates and scores, and "
                               "loads nothing from the network.",
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

}  // namespace

std::unique_ptr<Command> make_report() {
  return std::make_unique<Report>();
}

}  // namespace loewner::cli
