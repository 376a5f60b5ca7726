// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "compress/job.hpp"
#include "compress/planning.hpp"
#include "loewner/compress/compress_session.hpp"

namespace loewner {

/// The report that the planned output will have, as far as it is known without encoding: measured
/// errors are zero.
///
/// Shapes    plans, surveys: one for each selected tensor.
/// Errors    those of require_not_named(). A tensor without an encoding joins `left_alone`.
CompressReport predict_output(const Job& job, std::span<const PlannedTensor> plans,
                              std::span<const TensorSurvey> surveys, LeftAlone& left_alone);

}  // namespace loewner
