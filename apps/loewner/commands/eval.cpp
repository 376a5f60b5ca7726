// SPDX-License-Identifier: Apache-2.0
#include "registry.hpp"

namespace loewner::cli {
namespace {

class Eval final : public PythonCommand {
 public:
  Eval()
      : PythonCommand({.name = "eval",
                       .summary = "score models on labeled sentences and compare them with the first one",
                       .examples = {"loewner eval all-MiniLM-L6-v2 small --task STS-B --data GLUE",
                                    "loewner eval all-MiniLM-L6-v2 small --task own.tsv"},
                       .notes =
                           "Tasks of GLUE: STS-B, MRPC, SST-2, CoLA, RTE, WNLI, QNLI, QQP, MNLI. A file of your own "
                           "is .tsv, .csv or .jsonl with the fields sentence (or sentence1 and sentence2) and "
                           "label. Nothing is downloaded.",
                       .python_extra = "loewner[eval]"}) {}

  void add_options(Options& options) override {
    options.begin(Section::what);
    add_list(options, "MODEL",
             {.help = "model folders or ONNX files; the others are compared with the first",
              .completes = Completes::folders,
              .required = true});
    add_list(options, "--task",
             {.value = "TASK",
              .help = "name of a GLUE task, or a file of labeled sentences",
              .completes = Completes::files,
              .required = true});
    add<std::string>(
        options, "--data",
        {.value = "FOLDER", .help = "folder with one folder for each GLUE task", .completes = Completes::folders});
    add_with_default<std::string>(options, "--split", "dev",
                                  {.value = "NAME", .help = "file of a GLUE task to read", .default_text = "dev"});
    options.begin(Section::how);
    add_count(options, "--batch", 32, "B", "number of sentences in a batch");
    add_count(options, "--max-length", 128, "N", "number of tokens to which a sentence or pair is cut");
    add_count(options, "--draws", 1000, "N", "number of bootstrap resamples for the intervals");
    options.begin(Section::run);
    add_with_default<std::uint64_t>(options, "--seed", 0,
                                    {.value = "N", .help = "random seed of the resamples", .default_text = "0"});
    add_json(options);
    add_quiet(options);
    add_threads(options);
  }

 private:
  void add_count(Options& options, const std::string& name, int value, const char* placeholder, const char* help) {
    add_with_default<int>(options, name, value,
                          {.value = placeholder, .help = help, .default_text = std::to_string(value)})
        ->check(CLI::Range(1, 1 << 30));
  }
};

}  // namespace

std::unique_ptr<Command> make_eval() {
  return std::make_unique<Eval>();
}

}  // namespace loewner::cli
