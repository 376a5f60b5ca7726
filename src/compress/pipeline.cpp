// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/pipeline.hpp"

#include <chrono>
#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "compress/assembly.hpp"
#include "compress/job.hpp"
#include "compress/part.hpp"
#include "compress/planning.hpp"
#include "linalg/blas_memory.hpp"
#include "loewner/base/cancellation.hpp"
#include "loewner/compress/encoded_checkpoint.hpp"
#include "loewner/compress/study.hpp"

namespace loewner {
namespace fs = std::filesystem;
namespace {

// Computing time that a killed run may lose. Repeating less than this costs less than saving it.
constexpr double kUnsavedSeconds = 0.5;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// The progress bar: 20 % for planning, 60 % for encoding in proportion to the tensors' bytes, the
// rest for writing.
class ProgressOfJob {
 public:
  ProgressOfJob(const Job& job, const ProgressCallback& callback) : callback_(callback) {
    for (const auto& tensor : job.selection.tensors) total_ += bytes_of(tensor);
  }
  std::function<void(const SelectedTensor&)> planning() {
    return [this](const SelectedTensor& tensor) { step(tensor, 0, kPlanning, planned_); };
  }
  void encoding(const SelectedTensor& tensor) { step(tensor, kPlanning, kEncoding, encoded_); }
  ProgressCallback writing() const {
    if (!callback_) return {};
    return [this](std::string_view what, double fraction) {
      callback_(what, kPlanning + kEncoding + (1 - kPlanning - kEncoding) * fraction);
    };
  }
  void finished() const {
    if (callback_) callback_("done", 1);
  }

 private:
  static constexpr double kPlanning = 0.2, kEncoding = 0.6;

  static double bytes_of(const SelectedTensor& tensor) { return static_cast<double>(tensor.tensor->info->bytes()); }
  void step(const SelectedTensor& tensor, double start, double share, double& done) const {
    if (callback_) callback_(tensor.name(), start + share * done / total_);
    done += bytes_of(tensor);
  }

  const ProgressCallback& callback_;
  double total_ = 0, planned_ = 0, encoded_ = 0;
};

Candidate chosen_candidate(const Job& job, const SelectedTensor& tensor, const TensorPlan& plan) {
  if (plan.offers.empty()) {
    const TensorRequest request(job, tensor, plan.budget, memory_limit(job.options));
    const auto offers = candidates(request.request());
    try {
      return best_candidate(request.request(), offers);
    } catch (const BudgetError& error) {
      throw NoEncoding(error.what());
    }
  }
  EncodeRequest budget;
  budget.max_bytes = plan.budget.max_bytes;
  return best_candidate(budget, plan.offers);
}

TensorReport predicted_report(const Job& job, const SelectedTensor& tensor, const TensorPlan& plan) {
  const auto start = std::chrono::steady_clock::now();
  const Candidate candidate = chosen_candidate(job, tensor, plan);
  TensorReport report;
  report.name = tensor.name();
  report.role = to_string(tensor.place.role);
  report.rows = tensor.rows();
  report.cols = tensor.cols();
  report.method = to_string(candidate.method);
  report.rank = candidate.rank;
  report.bits = candidate.bits;
  report.norm_exponent = job.options.norm_exponent;
  report.row_weights = row_weights_of(job, tensor).description;
  report.bytes_before = stored_bytes(job.checkpoint, {tensor.name()});
  report.bytes_after = candidate.point.bytes;
  report.predicted_error = std::sqrt(candidate.point.error);
  report.seconds = seconds_since(start);
  return report;
}

CompressReport plan_only(Job& job, ProgressOfJob& progress) {
  CompressReport report;
  const auto plans = share_budget(job, progress.planning());
  std::map<std::size_t, std::string> left_alone;
  for (std::size_t i = 0; i < job.selection.tensors.size(); ++i) {
    const auto& tensor = job.selection.tensors[i];
    progress.encoding(tensor);
    try {
      report.tensors.push_back(predicted_report(job, tensor, plans[i]));
    } catch (const NoEncoding& error) {
      require_not_named(tensor, error.what());
      left_alone.emplace(i, error.what());
    }
  }
  note_left_alone(job, left_alone);
  report.weights_before = job.checkpoint.weight_bytes();
  report.weights_after = report.weights_before;
  for (const auto& tensor : report.tensors) report.weights_after += tensor.bytes_after - tensor.bytes_before;
  report.folder_before = folder_bytes(job.checkpoint.folder());
  report.folder_after = report.folder_before + report.weights_after - report.weights_before;
  return report;
}

// The encoded parts of the selected tensors. Cheap parts stay in memory until the output is
// written; the others are saved in the stage, where a resumed run finds them.
class PartsInTheMaking {
 public:
  PartsInTheMaking(const Job& job, const StagedFolder& staged) : job_(job), staged_(staged) {}

  void add_saved(std::size_t number) { parts_.push_back(load_part(job_, staged_, number)); }
  void encode(std::size_t number, const TensorBudget& budget) {
    try {
      parts_.push_back(encode_part(job_, number, budget, memory_limit(job_.options) - unsaved_bytes_));
    } catch (const NoEncoding& error) {
      require_not_named(job_.selection.tensors[number], error.what());
      left_alone_.emplace(number, error.what());
      return;
    }
    unsaved_bytes_ += parts_.back().held_bytes;
    unsaved_seconds_ += parts_.back().seconds;
    if (unsaved_seconds_ > kUnsavedSeconds || unsaved_bytes_ > memory_limit(job_.options) / 4) save();
  }
  void save() {
    for (auto& part : parts_) {
      if (part.matrix == nullptr) continue;
      save_part(part, staged_);
      const double seconds = part.seconds;
      part = load_part(job_, staged_, part.number);
      part.seconds = seconds;
    }
    unsaved_bytes_ = 0;
    unsaved_seconds_ = 0;
  }
  const std::vector<Part>& parts() const { return parts_; }
  const std::map<std::size_t, std::string>& left_alone() const { return left_alone_; }

 private:
  const Job& job_;
  const StagedFolder& staged_;
  std::vector<Part> parts_;
  std::map<std::size_t, std::string> left_alone_;
  Index unsaved_bytes_ = 0;
  double unsaved_seconds_ = 0;
};

CompressReport make_output(Job& job, ProgressOfJob& progress) {
  StagedFolder staged(job.options.output, job.fingerprint, job.options.if_exists);
  PartsInTheMaking making(job, staged);
  CompressReport report;
  std::vector<std::string> notes;
  try {
    const auto plans = share_budget(job, progress.planning());
    for (std::size_t i = 0; i < job.selection.tensors.size(); ++i) {
      throw_if_cancelled();
      progress.encoding(job.selection.tensors[i]);
      if (staged.has_part(std::to_string(i))) {
        making.add_saved(i);
        notes.push_back(job.selection.tensors[i].name() + " was finished by an earlier run");
      } else {
        making.encode(i, plans[i].budget);
      }
    }
    note_left_alone(job, making.left_alone());
    report = assemble(job, making.parts(), staged, progress.writing());
  } catch (const Cancelled&) {
    making.save();
    staged.keep_parts();
    throw;
  }
  staged.publish();
  report.notes = std::move(notes);
  return report;
}

bool is_complete(const Job& job) {
  if (job.options.if_exists != IfExists::resume || !fs::exists(job.options.output / "config.json")) return false;
  const Checkpoint output = Checkpoint::open(job.options.output);
  return output.quantization_method() == kQuantizationMethod &&
         output.config().at("quantization_config").value("source", "") == job.fingerprint;
}

}  // namespace

CompressReport compress(const CompressOptions& options, const ProgressCallback& progress) {
  const auto start = std::chrono::steady_clock::now();
  require_usable(options);
  blas::reserve_memory();
  Job job(options);
  ProgressOfJob progress_of_job(job, progress);
  CompressReport report;
  if (options.dry_run) {
    report = plan_only(job, progress_of_job);
  } else if (is_complete(job)) {
    report = claimed_report(Checkpoint::open(options.output), &job.checkpoint);
    report.notes.push_back("the output was already complete");
    StagedFolder::remove_leftovers(options.output);
  } else {
    report = make_output(job, progress_of_job);
  }
  report.notes.insert(report.notes.begin(), job.selection.notes.begin(), job.selection.notes.end());
  report.seconds = seconds_since(start);
  progress_of_job.finished();
  return report;
}

}  // namespace loewner
