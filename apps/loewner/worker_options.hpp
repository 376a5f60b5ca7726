// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "loewner/compress/workers.hpp"
#include "options.hpp"

namespace loewner::cli {

/// The options by which several processes make the parts of one output.
struct WorkerOptions {
  std::string worker;      ///< I/N
  bool assembles = false;  ///< --assemble
  std::string ray;         ///< address of --ray; may be empty

  void add(Options& options);

  /// Whether this process makes some parts only, or uses those of others.
  bool divides_work() const { return !worker.empty() || assembles || uses_ray(); }
  bool uses_ray() const { return ray_option_ != nullptr && ray_option_->count() > 0; }

  /// "--worker 0/3", "--assemble" or "--ray", for messages.
  std::string text() const;

  /// The share of --worker. Errors: InvalidArgument unless it is I/N with 0 <= I < N.
  std::optional<WorkerShare> share() const;

  /// Errors    InvalidArgument for a combination of options that cannot work, naming the way out.
  void require_usable(bool dry_run, bool must_calibrate) const;

 private:
  CLI::Option* ray_option_ = nullptr;
};

/// What --quiet leaves away of a share, and what --json writes.
std::string summary(const ShareReport& report, const WorkerShare& share);
Json to_json(const ShareReport& report, const WorkerShare& share);

}  // namespace loewner::cli
