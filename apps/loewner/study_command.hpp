// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "command.hpp"

namespace loewner::cli {

/// The options that `report` and `plot` share: a compressed model, and perhaps its original.
class StudyCommand : public PythonCommand {
 protected:
  using PythonCommand::PythonCommand;

  void add_model(Options& options) {
    options.begin(Section::what);
    add<std::string>(options, "OUT", kOutText);
    OptionText against = kAgainstText;
    against.required = false;
    against.help += "; errors are measured again and charts are added";
    add<std::string>(options, "--against", against);
    add_with_default<std::string>(options, "--row-weights", "", kCountsText);
    add_with_default<std::string>(
        options, "--tensor", "",
        {.value = "REGEX", .help = "names of the tensors that are compared with the original", .default_text = "all"});
  }

  void add_run(Options& options) {
    options.begin(Section::run);
    add_json(options);
    add_quiet(options);
    add_threads(options);
  }
};

}  // namespace loewner::cli
