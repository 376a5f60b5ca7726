// SPDX-License-Identifier: Apache-2.0
#include "registry.hpp"

namespace loewner::cli {
namespace {

class Export final : public PythonCommand {
 public:
  Export()
      : PythonCommand({.name = "export",
                       .summary = "write a model as an ONNX file whose graph decodes the weights",
                       .examples = {"loewner export small -o small-onnx"},
                       .notes =
                           "Compressed matrices stay compressed in the file; standard operators of its graph decode "
                           "them. FOLDER/onnx/model.onnx runs in onnxruntime as it is. Configuration and tokenizer "
                           "are beside it. A model folder that is not compressed is exported as it is.",
                       .python_extra = "loewner[onnx]"}) {}

  void add_options(Options& options) override {
    options.begin(Section::what);
    add<std::string>(
        options, "MODEL",
        {.help = "folder that compress wrote, or any model folder", .completes = Completes::folders, .required = true});
    add<std::string>(
        options, "-o,--output",
        {.value = "FOLDER", .help = "new folder for the file", .completes = Completes::folders, .required = true});
    options.begin(Section::how);
    add_with_default<std::string>(options, "--name", "model.onnx",
                                  {.value = "NAME", .help = "name of the file", .default_text = "model.onnx"});
    add_with_default<std::string>(
        options, "--linear", "int8",
        {.value = "FORM",
         .help = "linear layers: int8 (codes, multiplied as integers), folded (decoded to float32 when the file "
                 "loads) or blocks (integers, for onnxruntime alone)",
         .default_text = "int8",
         .choices = {"int8", "folded", "blocks"}});
    add_flag(options, "--sentence", "end with the pooling of a sentence-transformers folder");
    add_flag(options, "--inline", "no local functions in the file, for runtimes without them, such as OpenVINO");
    options.begin(Section::run);
    add_flag(options, "--overwrite", "replace an existing output of export, or an empty folder");
    add_json(options);
    add_quiet(options);
    add_threads(options);
  }
};

}  // namespace

std::unique_ptr<Command> make_export() {
  return std::make_unique<Export>();
}

}  // namespace loewner::cli
