// SPDX-License-Identifier: Apache-2.0
#include "registry.hpp"

namespace loewner::cli {
namespace {

class Calibrate final : public PythonCommand {
 public:
  Calibrate()
      : PythonCommand({.name = "calibrate",
                       .summary = "count the tokens of a text, or measure the inputs of linear layers on it",
                       .examples = {"loewner calibrate all-MiniLM-L6-v2 --text lines.txt -o counts.tsv",
                                    "loewner calibrate all-MiniLM-L6-v2 --activations -o moments.safetensors"},
                       .notes = "Token counts are for compress --row-weights, moments for compress --moments. "
                                "Without --activations, --text is required.",
                       .python_extra = "loewner[transformers]"}) {}

  void add_options(Options& options) override {
    options.begin(Section::what);
    OptionText model = kModelText;
    model.help = "model folder with a tokenizer";
    add<std::string>(options, "MODEL", model);
    OptionText text = kTextFileText;
    text.required = false;
    text.help += "; with --activations by default the package's text";
    add<std::string>(options, "--text", text);
    add_flag(options, "--activations", "measure second moments of the inputs of linear layers (needs torch)");
    add<std::string>(options, "-o,--output",
                     {.value = "FILE",
                      .help = "file to write: one line id<TAB>count for each token, or a moments file",
                      .completes = Completes::files,
                      .required = true});
    options.begin(Section::run);
    OptionText max_memory = kMaxMemoryText;
    max_memory.help += "; above it, --activations reads the weights layer by layer";
    add<std::string>(options, "--max-memory", max_memory);
    add_json(options);
    add_quiet(options);
  }
};

}  // namespace

std::unique_ptr<Command> make_calibrate() {
  return std::make_unique<Calibrate>();
}

}  // namespace loewner::cli
