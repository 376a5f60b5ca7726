// SPDX-License-Identifier: Apache-2.0
#include <csignal>
#include <string>
#include <vector>

#include "command_line.hpp"
#include "loewner/base/cancellation.hpp"

namespace {

volatile std::sig_atomic_t interrupted = 0;

extern "C" void note_interrupt(int) {
  interrupted = 1;
}

}  // namespace

int main(int argc, char** argv) {
  loewner::cli::occupy_standard_descriptors();
  std::signal(SIGINT, note_interrupt);
  std::signal(SIGTERM, note_interrupt);
  std::signal(SIGXFSZ, SIG_IGN);  // a limit on file sizes is reported as a failed write
  std::signal(SIGPIPE, SIG_IGN);  // so is a closed pipe
  const loewner::CancellationScope scope([] { return interrupted != 0; });
  return loewner::cli::run(std::vector<std::string>(argv + 1, argv + argc), loewner::cli::standard_streams());
}
