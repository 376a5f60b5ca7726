// SPDX-License-Identifier: Apache-2.0
#include "exit_code.hpp"
#include "loewner/base/error.hpp"
#include "loewner/compress/rank_curves.hpp"
#include "onnx_model.hpp"
#include "registry.hpp"
#include "tables.hpp"

namespace loewner::cli {
namespace {

class Inspect final : public Command {
 public:
  Inspect()
      : Command({.name = "inspect",
                 .summary = "list the tensors of a model with role, shape, type and bytes",
                 .examples = {"loewner inspect all-MiniLM-L6-v2", "loewner inspect all-MiniLM-L6-v2 --curves"}}) {}

  void add_options(Options& options) override {
    options.begin(Section::what);
    options.add("MODEL", model_, kModelOrFileText);
    options.add_flag("--curves", curves_, "also read the weights, and print the error of each matrix against its rank");
    options.begin(Section::run);
    run_.add_json(options);
    run_.add_quiet(options);
    run_.add_threads(options);
  }

  int run(const Streams& streams, const PythonRunner& python) override {
    if (is_onnx_model(model_)) return inspect_onnx(python);
    run_.apply_threads();
    const Checkpoint checkpoint = Checkpoint::open(model_);
    const Architecture architecture = checkpoint.architecture();
    if (!run_.quiet) print_inspection(checkpoint, architecture, streams.out);
    Json curves_report;
    if (curves_) {
      const auto curves = run_.with_progress(streams, [&](const ProgressCallback& progress) {
        return rank_curves(checkpoint, architecture, 0, progress);
      });
      if (!run_.quiet) print_curves(curves, streams.out);
      curves_report = curves_to_json(curves);
    }
    if (run_.json.empty()) return done;  // the report of a million tensors takes a gigabyte
    Json report = inspection_to_json(checkpoint, architecture);
    if (curves_) report["curves"] = std::move(curves_report);
    run_.write_json(report);
    return done;
  }

 private:
  int inspect_onnx(const PythonRunner& python) const {
    require(!curves_, [] { return std::string("--curves is for model folders with safetensors"); });
    return run_on_onnx(python, "inspect",
                       {{"model", model_.string()}, {"json", run_.json.string()}, {"quiet", run_.quiet}});
  }

  std::filesystem::path model_;
  bool curves_ = false;
  RunOptions run_;
};

}  // namespace

std::unique_ptr<Command> make_inspect() {
  return std::make_unique<Inspect>();
}

}  // namespace loewner::cli
