// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/expand.hpp"

#include "exit_code.hpp"
#include "registry.hpp"

namespace loewner::cli {
namespace {

class Expand final : public Command {
 public:
  Expand()
      : Command({.name = "expand",
                 .summary = "write a compressed model as an ordinary dense checkpoint",
                 .examples = {"loewner expand small -o dense"},
                 .notes =
                     "For tools that do not know the format. Each tensor gets the type that it had in the original "
                     "model."}) {}

  void add_options(Options& options) override {
    options.begin(Section::what);
    options.add("OUT", model_, kOutText);
    options.add("-o,--output", output_,
                {.value = "FOLDER",
                 .help = "new folder for the dense checkpoint",
                 .completes = Completes::folders,
                 .required = true});
    options.begin(Section::run);
    options.add_flag("--overwrite", overwrite_, "replace an existing output of loewner, or an empty folder");
    run_.add_quiet(options, "print no progress bar");
    run_.add_threads(options);
  }

  int run(const Streams& streams, const PythonRunner&) override {
    run_.apply_threads();
    run_.with_progress(streams, [&](const ProgressCallback& progress) {
      expand(model_, output_, overwrite_ ? IfExists::overwrite : IfExists::refuse, progress);
      return 0;
    });
    return done;
  }

 private:
  std::filesystem::path model_, output_;
  bool overwrite_ = false;
  RunOptions run_;
};

}  // namespace

std::unique_ptr<Command> make_expand() {
  return std::make_unique<Expand>();
}

}  // namespace loewner::cli
