// SPDX-License-Identifier: Apache-2.0
#include "worker_options.hpp"

#include <fmt/format.h>

#include <charconv>

#include "loewner/base/error.hpp"

namespace loewner::cli {
namespace {

constexpr std::size_t kMostWorkers = 1'000'000;

std::optional<std::size_t> number_in(std::string_view text) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string count_text(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " part" : " parts");
}

}  // namespace

void WorkerOptions::add(Options& options) {
  auto* const share =
      options.add("--worker", worker,
                  {.value = "I/N",
                   .help = "encode only the I-th of N shares of the matrices, from 0; --assemble writes the "
                           "output"});
  auto* const assemble = options.add_flag("--assemble", assembles, "write the output whose parts the workers made");
  ray_option_ =
      options.add("--ray", ray,
                  {.value = "[ADDRESS]",
                   .help = "encode the matrices on a Ray cluster: auto, local or HOST:PORT; runs in the Python package",
                   .default_text = "RAY_ADDRESS, the cluster of this machine, or a new one"});
  ray_option_->expected(0, 1);
  share->excludes(assemble, ray_option_);
  assemble->excludes(ray_option_);
}

std::string WorkerOptions::text() const {
  if (assembles) return "--assemble";
  return uses_ray() ? "--ray" : "--worker " + worker;
}

std::optional<WorkerShare> WorkerOptions::share() const {
  if (worker.empty()) return std::nullopt;
  const std::string_view text = worker;
  const std::size_t slash = text.find('/');
  const auto index = number_in(text.substr(0, slash));
  const auto count = slash == std::string_view::npos ? std::nullopt : number_in(text.substr(slash + 1));
  require(index && count && *index < *count && *count <= kMostWorkers,
          [&] { return "--worker must be I/N with I from 0 and below N, such as 0/4, got '" + worker + "'"; });
  return WorkerShare{.worker = *index, .count = *count};
}

void WorkerOptions::require_usable(bool dry_run, bool must_calibrate) const {
  if (!divides_work()) return;
  require(!dry_run, [&] { return text() + " cannot be combined with --dry-run, which plans in one process"; });
  require(uses_ray() || !must_calibrate, [&] {
    return text() +
           " makes parts independently, but a calibration goes through the model layer by layer: write the moments "
           "once (loewner calibrate --activations, or --save-moments of a run) and give --moments FILE, or give --text "
           "none";
  });
}

std::string summary(const ShareReport& report, const WorkerShare& share) {
  const std::string name = std::to_string(share.worker) + "/" + std::to_string(share.count);
  std::string text =
      fmt::format("worker {}: made {} in {:.1f} s", name, count_text(report.made.size()), report.seconds);
  if (!report.kept.empty()) text += ", kept " + std::to_string(report.kept.size()) + " of an earlier run";
  if (!report.copied.empty()) text += ", left " + std::to_string(report.copied.size()) + " as they are";
  return text + "\nwhen all workers are done, the same command with --assemble instead of --worker " + name +
         " writes the output\n";
}

Json to_json(const ShareReport& report, const WorkerShare& share) {
  return {{"worker", share.worker}, {"workers", share.count},  {"made", report.made},
          {"kept", report.kept},    {"copied", report.copied}, {"seconds", report.seconds}};
}

}  // namespace loewner::cli
