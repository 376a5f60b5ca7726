// SPDX-License-Identifier: Apache-2.0
#include "registry.hpp"
#include "study_command.hpp"

namespace loewner::cli {
namespace {

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

std::unique_ptr<Command> make_plot() {
  return std::make_unique<Plot>();
}

}  // namespace loewner::cli
