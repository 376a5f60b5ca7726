// SPDX-License-Identifier: Apache-2.0
#include "registry.hpp"

namespace loewner::cli {

std::vector<std::unique_ptr<Command>> all_commands() {
  std::vector<std::unique_ptr<Command>> commands;
  for (const auto make : {make_inspect, make_compress, make_verify, make_expand, make_export, make_eval, make_report,
                          make_plot, make_calibrate, make_refit, make_completion}) {
    commands.push_back(make());
  }
  return commands;
}

}  // namespace loewner::cli
