// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/pipeline.hpp"

#include <functional>

#include "loewner/base/cancellation.hpp"
#include "loewner/base/error.hpp"
#include "loewner/compress/compress_session.hpp"

namespace loewner {
namespace {

// The progress bar: 20 % for planning, 60 % for encoding in proportion to the tensors' bytes, the
// rest for writing.
class ProgressOfRun {
 public:
  ProgressOfRun(const std::vector<SelectedTensor>& tensors, const ProgressCallback& callback)
      : tensors_(tensors), callback_(callback) {
    for (const auto& tensor : tensors) total_ += bytes_of(tensor);
  }
  std::function<void(std::size_t)> planning() {
    return [this](std::size_t tensor) { step(tensor, 0, kPlanning, planned_); };
  }
  void encoding(std::size_t tensor) { step(tensor, kPlanning, kEncoding, encoded_); }
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
  void step(std::size_t tensor, double start, double share, double& done) const {
    if (callback_) callback_(tensors_[tensor].name(), start + share * done / total_);
    done += bytes_of(tensors_[tensor]);
  }

  const std::vector<SelectedTensor>& tensors_;
  const ProgressCallback& callback_;
  double total_ = 0, planned_ = 0, encoded_ = 0;
};

void encode_all(CompressSession& session, ProgressOfRun& progress) {
  const auto plans = session.plan({}, progress.planning());
  for (std::size_t i = 0; i < plans.size(); ++i) {
    throw_if_cancelled();
    progress.encoding(i);
    if (session.is_dry_run() || plans[i].is_copied || session.is_done(i)) continue;
    const auto moments = session.stored_moments(i);
    session.encode(i, moments ? &*moments : nullptr);
  }
}

}  // namespace

CompressReport compress(const CompressOptions& options, const ProgressCallback& progress) {
  CompressSession session(options);
  ProgressOfRun progress_of_run(session.tensors(), progress);
  try {
    if (!session.is_complete()) encode_all(session, progress_of_run);
    CompressReport report = session.finish({}, {}, progress_of_run.writing());
    progress_of_run.finished();
    return report;
  } catch (const Cancelled&) {
    session.keep_parts();
    throw;
  }
}

}  // namespace loewner
