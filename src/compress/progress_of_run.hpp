// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "loewner/base/progress.hpp"
#include "loewner/compress/selection.hpp"

namespace loewner {

/// The progress bar of a run: 20 % for planning, 60 % for encoding in proportion to the tensors' bytes,
/// the rest for writing.
class ProgressOfRun {
 public:
  ProgressOfRun(const std::vector<SelectedTensor>& tensors, const ProgressCallback& callback)
      : tensors_(tensors), callback_(callback) {
    for (const auto& tensor : tensors) total_ += bytes_of(tensor);
    to_encode_ = total_;
  }
  /// Of all tensors, only these will be encoded.
  void restrict_to(std::span<const std::size_t> encoded) {
    to_encode_ = 0;
    for (const auto i : encoded) to_encode_ += bytes_of(tensors_[i]);
  }
  std::function<void(std::size_t)> planning() {
    return [this](std::size_t tensor) { step(tensor, 0, kPlanning / total_, planned_); };
  }
  void encoding(std::size_t tensor) { step(tensor, kPlanning, kEncoding / to_encode_, encoded_); }
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
    if (callback_) callback_(tensors_[tensor].name(), start + share * done);
    done += bytes_of(tensors_[tensor]);
  }

  const std::vector<SelectedTensor>& tensors_;
  const ProgressCallback& callback_;
  double total_ = 0, to_encode_ = 0, planned_ = 0, encoded_ = 0;
};

}  // namespace loewner
