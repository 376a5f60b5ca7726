// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/workers.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <numeric>
#include <utility>

#include "base/argument_check.hpp"
#include "compress/encode_share.hpp"
#include "loewner/base/cancellation.hpp"
#include "loewner/base/error.hpp"

namespace loewner {
namespace {

// The time of an encoding, up to a factor: some passes over the entries, and products whose cost is
// entries times the shorter side (docs/design/several-machines.md).
double cost_of(const SelectedTensor& tensor) {
  constexpr double kPasses = 1024;
  const auto rows = static_cast<double>(tensor.rows()), cols = static_cast<double>(tensor.cols());
  return rows * cols * (kPasses + std::min(rows, cols));
}

std::vector<std::size_t> by_cost(std::span<const SelectedTensor> tensors) {
  std::vector<std::size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, std::greater<>{}, [&](std::size_t i) { return cost_of(tensors[i]); });
  return order;
}

// The share of each tensor.
std::vector<std::size_t> shares_of(std::span<const SelectedTensor> tensors, std::size_t count) {
  std::vector<std::size_t> owners(tensors.size());
  std::vector<double> loads(count);
  for (const auto i : by_cost(tensors)) {
    owners[i] = static_cast<std::size_t>(std::ranges::min_element(loads) - loads.begin());
    loads[owners[i]] += cost_of(tensors[i]);
  }
  return owners;
}

std::string some_names(const CompressSession& session, std::span<const std::size_t> numbers) {
  constexpr std::size_t kMost = 4;
  std::string text;
  for (const auto i : numbers.first(std::min(kMost, numbers.size())))
    text += (text.empty() ? "" : ", ") + session.tensors()[i].name();
  return numbers.size() > kMost ? text + " and " + std::to_string(numbers.size() - kMost) + " more" : text;
}

// The workers that make these parts: "; run --worker 1/3 again".
std::string workers_of(const CompressSession& session, std::span<const std::size_t> numbers) {
  const std::size_t count = session.worker_count();
  if (count == 0) return "; no worker has run yet";
  const auto owners = shares_of(session.tensors(), count);
  std::vector<std::size_t> workers;
  for (const auto i : numbers) workers.push_back(owners[i]);
  std::ranges::sort(workers);
  workers.erase(std::unique(workers.begin(), workers.end()), workers.end());
  std::string text;
  for (const auto worker : workers)
    text += (text.empty() ? "" : ", ") + std::to_string(worker) + "/" + std::to_string(count);
  return "; run again: --worker " + text;
}

void require_all_made(const CompressSession& session, const std::filesystem::path& output) {
  std::vector<std::size_t> missing;
  for (std::size_t i = 0; i < session.tensors().size(); ++i) {
    if (!session.is_made(i)) missing.push_back(i);
  }
  if (missing.empty()) return;
  throw IoError(output.string() + ".partial: " + std::to_string(missing.size()) + " of " +
                std::to_string(session.tensors().size()) + " parts are missing: " + some_names(session, missing) +
                workers_of(session, missing));
}

// Work of a worker: finished parts are durable at its end, and when it is stopped.
template <typename Work>
void with_durable_parts(CompressSession& session, Work work) {
  try {
    work();
  } catch (const Cancelled&) {
    session.keep_parts();
    throw;
  }
  session.keep_parts();
}

// plan() waits for the tensors that another worker is surveying.
void survey_in(CompressSession& session, std::span<const std::size_t> tensors) {
  for (const auto i : tensors) {
    throw_if_cancelled();
    session.survey_for_plan(i);
  }
}

ShareReport make_in(CompressSession& session, std::span<const std::size_t> tensors, const ProgressCallback& callback) {
  ProgressOfRun progress(session.tensors(), callback);
  progress.restrict_to(tensors);
  ShareReport report;
  with_durable_parts(session, [&] {
    survey_in(session, tensors);
    session.plan({}, progress.planning());
    report = encode_share(session, tensors, progress);
  });
  progress.finished();
  return report;
}

}  // namespace

ShareReport encode_share(CompressSession& session, std::span<const std::size_t> tensors, ProgressOfRun& progress) {
  const auto start = std::chrono::steady_clock::now();
  ShareReport report;
  for (const auto i : tensors) {
    throw_if_cancelled();
    progress.encoding(i);
    const std::string& name = session.tensors()[i].name();
    if (session.is_copied(i)) {
      report.copied.push_back(name);
      continue;
    }
    if (session.is_made(i)) {
      report.kept.push_back(name);
      continue;
    }
    const auto moments = session.stored_moments(i);
    session.encode(i, moments ? &*moments : nullptr);
    (session.is_copied(i) ? report.copied : report.made).push_back(name);
  }
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return report;
}

std::vector<std::size_t> tensors_of_share(std::span<const SelectedTensor> tensors, const WorkerShare& share) {
  require(share.worker < share.count, [&] {
    return "a worker I/N needs I from 0 and below N, got " + std::to_string(share.worker) + "/" +
           std::to_string(share.count);
  });
  const auto owners = shares_of(tensors, share.count);
  auto order = by_cost(tensors);
  std::erase_if(order, [&](std::size_t i) { return owners[i] != share.worker; });
  return order;
}

ShareReport make_share(const CompressOptions& options, const WorkerShare& share, const ProgressCallback& callback) {
  CompressSession session(options, {}, StageUse::worker);
  const auto tensors = tensors_of_share(session.tensors(), share);
  if (session.is_complete()) return {};
  session.keep_worker_count(share.count);
  return make_in(session, tensors, callback);
}

std::unique_ptr<CompressSession> open_for_workers(const CompressOptions& options) {
  {
    CompressSession alone(options);  // refuses, resumes or removes what an earlier run left
    alone.keep_parts();
  }
  return std::make_unique<CompressSession>(options, std::string(), StageUse::worker);
}

void leave_parts(CompressOptions options, bool keeps_parts) {
  if (!keeps_parts) options.if_exists = IfExists::overwrite;
  const CompressSession last(std::move(options), {}, keeps_parts ? StageUse::assembly : StageUse::alone);
}

std::vector<PartToMake> parts_to_make(const CompressSession& session) {
  std::vector<PartToMake> parts;
  if (session.is_complete()) return parts;
  for (const auto i : by_cost(session.tensors())) {
    const SelectedTensor& tensor = session.tensors()[i];
    parts.push_back({.number = i,
                     .name = tensor.name(),
                     .cost = cost_of(tensor),
                     .memory = session.encoding_memory(i),
                     .is_surveyed = session.is_surveyed(i),
                     .is_made = session.is_made(i)});
  }
  return parts;
}

void survey_parts(const CompressOptions& options, std::span<const std::size_t> tensors) {
  CompressSession session(options, {}, StageUse::worker);
  if (!session.is_complete()) survey_in(session, tensors);
}

ShareReport make_parts(const CompressOptions& options, std::span<const std::size_t> tensors) {
  CompressSession session(options, {}, StageUse::worker);
  if (session.is_complete()) return {};
  return make_in(session, tensors, {});
}

CompressReport assemble_parts(const CompressOptions& options, const ProgressCallback& callback) {
  CompressSession session(options, {}, StageUse::assembly);
  ProgressOfRun progress(session.tensors(), callback);
  if (!session.is_complete()) {
    require_all_made(session, options.output);
    session.plan({}, progress.planning());
  }
  CompressReport report = session.finish({}, {}, progress.writing());
  progress.finished();
  return report;
}

}  // namespace loewner
