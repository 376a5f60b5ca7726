// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "loewner/base/progress.hpp"
#include "loewner/compress/compress_session.hpp"
#include "loewner/compress/options.hpp"
#include "loewner/compress/report_data.hpp"
#include "loewner/compress/selection.hpp"

namespace loewner {

/// The place of a process among those that make the parts of one output.
struct WorkerShare {
  std::size_t worker = 0;  ///< in [0, count)
  std::size_t count = 1;
};

/// A part of an output: the encoding of one tensor.
struct PartToMake {
  std::size_t number = 0;  ///< of the tensor in the selection
  std::string name;
  double cost = 0;           ///< predicted time, in no unit
  Index memory = 0;          ///< bytes of memory that its encoding takes, about
  bool is_surveyed = false;  ///< what planning needs to know of the tensor is kept
  bool is_made = false;      ///< its encoding is kept, or it is known to be copied
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

/// Opens OUTPUT.partial/ for one process that hands out the parts to others, which make them by
/// survey_parts() and make_parts(). While the session is open, no other run writes the output.
///
/// Method    opens a session as compress() does, and then one of a worker.
/// Cost      reads the headers of the files twice.
/// Errors    those of compress(): an unfinished output is refused unless options.if_exists resumes
///           or overwrites it.
std::unique_ptr<CompressSession> open_for_workers(const CompressOptions& options);

/// Leaves the parts in OUTPUT.partial/ to a run that resumes them, or removes them. Without parts,
/// OUTPUT.partial/ is removed in any case.
///
/// Method    opens and closes a session.
/// Cost      reads the headers of the files.
/// Errors    IoError when another run is writing there.
void leave_parts(CompressOptions options, bool keeps_parts);

/// All parts of a session, the most expensive first; none if the output is complete.
///
/// Cost      looks at one file for each tensor.
/// Errors    none.
std::vector<PartToMake> parts_to_make(const CompressSession& session);

/// Makes what planning needs to know of tensors, by number, as a worker; and the parts of tensors.
///
/// Method    those of make_share().
/// Cost      those of CompressSession::survey_for_plan() and encode() for these tensors.
/// Errors    those of make_share(), and InvalidArgument if there is no such tensor.
void survey_parts(const CompressOptions& options, std::span<const std::size_t> tensors);
ShareReport make_parts(const CompressOptions& options, std::span<const std::size_t> tensors);

/// Publishes the output whose parts workers made. The bytes are those of compress(options).
///
/// Method    that of CompressSession::finish().
/// Cost      one pass over the files, and of each encoded tensor.
/// Errors    IoError, naming the tensors and their workers, when parts are missing, and when a
///           worker is still running; those of compress().
CompressReport assemble_parts(const CompressOptions& options, const ProgressCallback& progress = {});

}  // namespace loewner
