// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/pipeline.hpp"

#include <numeric>

#include "compress/encode_share.hpp"
#include "loewner/base/error.hpp"
#include "loewner/compress/compress_session.hpp"

namespace loewner {
namespace {

// The only worker: it makes all parts, in the order of the files.
void encode_all(CompressSession& session, ProgressOfRun& progress) {
  session.plan({}, progress.planning());
  if (session.is_dry_run()) return;
  std::vector<std::size_t> all(session.tensors().size());
  std::iota(all.begin(), all.end(), 0);
  encode_share(session, all, progress);
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
