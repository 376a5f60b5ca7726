// SPDX-License-Identifier: Apache-2.0
#include "completion.hpp"

#include "exit_code.hpp"
#include "program.hpp"
#include "registry.hpp"

namespace loewner::cli {
namespace {

class Completion final : public Command {
 public:
  Completion()
      : Command({.name = "completion",
                 .summary = "print a script that completes commands and options in a shell",
                 .examples = {"loewner completion bash > ~/.local/share/bash-completion/completions/loewner",
                              "loewner completion zsh > ~/.zfunc/_loewner",
                              "loewner completion fish > ~/.config/fish/completions/loewner.fish"}}) {}

  void add_options(Options& options) override {
    options.begin(Section::what);
    options.add(
        "SHELL", shell_,
        {.help = "shell to print the script for", .choices = {kShells.begin(), kShells.end()}, .required = true});
  }

  int run(const Streams& streams, const PythonRunner&) override {
    streams.out << completion_script(shell_, Program().described());
    return done;
  }

 private:
  std::string shell_;
};

}  // namespace

std::unique_ptr<Command> make_completion() {
  return std::make_unique<Completion>();
}

}  // namespace loewner::cli
