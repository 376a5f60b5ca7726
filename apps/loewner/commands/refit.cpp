// SPDX-License-Identifier: Apache-2.0
#include "registry.hpp"

namespace loewner::cli {
namespace {

class Refit final : public PythonCommand {
 public:
  Refit()
      : PythonCommand({.name = "refit",
                       .summary = "fit one factor of each layer to the original outputs on a few tokens",
                       .examples = {"loewner refit factors --against all-MiniLM-L6-v2 --text lines.txt --rows 256 "
                                    "-o refitted"},
                       .notes = "Needs a model that was compressed with --method svd or lp.",
                       .python_extra = "loewner[transformers]"}) {}

  void add_options(Options& options) override {
    options.begin(Section::what);
    add<std::string>(options, "OUT", kOutText);
    add<std::string>(options, "--against", kAgainstText);
    add<std::string>(options, "--text", kTextFileText);
    add<std::string>(options, "-o,--output",
                     {.value = "FOLDER",
                      .help = "new folder for the refitted model",
                      .completes = Completes::folders,
                      .required = true});
    add_with_default<std::string>(options, "--row-weights", "", kCountsText);
    options.begin(Section::how_much);
    add<std::int64_t>(
        options, "--rows",
        {.value = "N", .help = "number of tokens per layer whose original outputs are used", .required = true});
    options.begin(Section::how);
    add_with_default<double>(
        options, "--norm-exponent", 2.0,
        {.value = "P", .help = "exponent p >= 1 of the error of the outputs", .default_text = "2"});
    options.begin(Section::run);
    add_with_default<std::uint64_t>(options, "--seed", 0,
                                    {.value = "N", .help = "random seed of the choice of tokens", .default_text = "0"});
    add_flag(options, "--overwrite", "replace an existing output of loewner, or an empty folder");
    add_json(options);
    add_quiet(options);
    add_threads(options);
  }
};

}  // namespace

std::unique_ptr<Command> make_refit() {
  return std::make_unique<Refit>();
}

}  // namespace loewner::cli
