// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ostream>

#include "color.hpp"
#include "loewner/compress/rank_curves.hpp"
#include "loewner/compress/report_data.hpp"
#include "loewner/compress/verify.hpp"
#include "loewner/model/architecture.hpp"
#include "loewner/model/checkpoint.hpp"

namespace loewner::cli {

void print_inspection(const Checkpoint& checkpoint, const Architecture& architecture, std::ostream& out);
/// For each matrix the ranks that some relative errors need, and the error against rank as a line
/// of bars.
void print_curves(const std::vector<RankCurve>& curves, std::ostream& out);
void print_report(const CompressReport& report, bool dry_run, std::ostream& out);
void print_report(const VerifyReport& report, std::ostream& out, const Colors& colors);

/// What `inspect` prints, for --json.
Json inspection_to_json(const Checkpoint& checkpoint, const Architecture& architecture);
Json curves_to_json(const std::vector<RankCurve>& curves);

}  // namespace loewner::cli
