// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/verify.hpp"

#include <optional>

#include "exit_code.hpp"
#include "loewner/base/error.hpp"
#include "onnx_model.hpp"
#include "registry.hpp"
#include "tables.hpp"

namespace loewner::cli {
namespace {

class Verify final : public Command {
 public:
  Verify()
      : Command(
            {.name = "verify",
             .summary = "check a compressed model, alone or against its original",
             .examples = {"loewner verify small", "loewner verify small --against all-MiniLM-L6-v2",
                          "loewner verify small-onnx/onnx/model.onnx --against all-MiniLM-L6-v2"},
             .notes =
                 "Checksums of all files but README.md are compared. With --against, errors and certificates "
                 "are recomputed, and all other tensors and the values of config.json are compared with the "
                 "original's. An ONNX file that compress made is compared with the original ONNX file, and one that "
                 "export made with the original folder; onnxruntime then also runs the decoders. Exit code 5: "
                 "verification failed."}) {}

  void add_options(Options& options) override {
    options.begin(Section::what);
    OptionText out = kOutText;
    out.help += ", or an ONNX file that compress or export wrote";
    out.completes = Completes::files;
    options.add("OUT", output_, out);
    OptionText against = kAgainstText;
    against.required = false;
    against.help += " or ONNX file; errors are measured again";
    against.completes = Completes::files;
    options.add("--against", model_, against);
    options.add("--row-weights", files_.row_weights, kCountsText);
    options.add("--moments", files_.moments,
                {.value = "FILE",
                 .help = "moments with which linear layers were compressed; errors of their outputs are measured again",
                 .completes = Completes::files});
    options.add("--tokenizer", tokenizer_, kTokenizerText);
    options.add_flag("--load", load_, "also load the model with transformers (Python package)");
    options.begin(Section::run);
    run_.add_json(options);
    run_.add_quiet(options);
    run_.add_threads(options);
  }

  int run(const Streams& streams, const PythonRunner& python) override {
    if (!files_.moments.empty() && model_.empty()) {
      throw InvalidArgument("--moments measures errors against the original model: it needs --against");
    }
    if (load_ && !python) {
      throw InvalidArgument("verify --load runs in the Python package: pip install \"loewner[transformers]\"");
    }
    if (is_onnx_model(output_)) return verify_onnx(python);
    run_.apply_threads();
    const VerifyReport report = run_.with_progress(streams, [&](const ProgressCallback& progress) {
      const auto model = model_.empty() ? std::nullopt : std::optional(model_);
      return verify(output_, model, progress, files_);
    });
    if (!run_.quiet) print_report(report, streams.out, Colors(streams.out_in_color));
    run_.write_json(to_json(report));
    if (report.holds()) return load_ ? load(python) : done;
    streams.err << Colors(streams.err_in_color).bad("loewner:") << " " << output_.string() << ": verification failed\n";
    return not_verified;
  }

 private:
  int load(const PythonRunner& python) const {
    return python("verify", {{"out", output_.string()}, {"against", model_.string()}, {"quiet", run_.quiet}});
  }

  int verify_onnx(const PythonRunner& python) const {
    require(!load_, [] { return std::string("--load is for folders"); });
    return run_on_onnx(python, "verify",
                       {{"out", output_.string()},
                        {"against", model_.string()},
                        {"row_weights", files_.row_weights.string()},
                        {"moments", files_.moments.string()},
                        {"tokenizer", tokenizer_.string()},
                        {"json", run_.json.string()},
                        {"quiet", run_.quiet},
                        {"threads", run_.threads ? Json(*run_.threads) : Json(nullptr)}});
  }

  std::filesystem::path output_, model_, tokenizer_;
  VerifyFiles files_;
  bool load_ = false;
  RunOptions run_;
};

}  // namespace

std::unique_ptr<Command> make_verify() {
  return std::make_unique<Verify>();
}

}  // namespace loewner::cli
