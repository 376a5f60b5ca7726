// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "loewner/base/progress.hpp"
#include "loewner/compress/options.hpp"
#include "loewner/compress/report_data.hpp"
#include "loewner/compress/selection.hpp"

namespace loewner {

/// The place of a process among those that make the parts of one output.
struct WorkerShare {
  std::size_t worker = 0;  ///< in [0, count)
  std::size_t count = 1;
};

/// What a worker did.
struct ShareReport {
  std::vector<std::string> made, kept, copied;  ///< names of tensors; kept: made by an earlier run
  double seconds = 0;
};

/// The numbers of the tensors of a share, the most expensive first.
///
/// Shapes    result: together the shares of one count have each tensor once.
/// Method    gives the tensors, the most expensive first, each to the share with the least cost so
///           far.
/// Cost      O(m (log m + count)) for m tensors.
/// Accuracy  the largest share costs at most 4/3 of that of the best division.
/// Errors    InvalidArgument unless worker < count.
std::vector<std::size_t> tensors_of_share(std::span<const SelectedTensor> tensors, const WorkerShare& share);

/// Makes a share of the parts of compress(options) in OUTPUT.partial/. Processes on several
/// machines may do this at the same time or one after another; they see the model and the output at
/// the same paths. assemble_parts() then publishes the output.
///
/// A part that exists is kept, so a worker that was lost runs again. if_exists concerns the output
/// only: workers of the same work share what lies in OUTPUT.partial/.
///
/// Method    surveys the tensors of its share, then those that no other worker has surveyed yet;
///           plans; encodes its share.
/// Cost      that of compress() for its share. A worker that runs alone surveys all tensors.
/// Errors    those of compress(), and IoError when OUTPUT.partial/ belongs to other work.
ShareReport make_share(const CompressOptions& options, const WorkerShare& share, const ProgressCallback& progress = {});

/// Publishes the output whose parts workers made. The bytes are those of compress(options).
///
/// Method    that of CompressSession::finish().
/// Cost      one pass over the files, and of each encoded tensor.
/// Errors    IoError, naming the tensors and their workers, when parts are missing, and when a
///           worker is still running; those of compress().
CompressReport assemble_parts(const CompressOptions& options, const ProgressCallback& progress = {});

}  // namespace loewner
