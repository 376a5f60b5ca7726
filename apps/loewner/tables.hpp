// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ostream>

#include "loewner/compress/report_data.hpp"
#include "loewner/compress/verify.hpp"
#include "loewner/model/architecture.hpp"
#include "loewner/model/checkpoint.hpp"

namespace loewner::cli {

void print_inspection(const Checkpoint& checkpoint, const Architecture& architecture, std::ostream& out);
void print_report(const CompressReport& report, bool dry_run, std::ostream& out);
void print_report(const VerifyReport& report, std::ostream& out);

/// The same as `inspect` prints, for --json.
Json inspection_to_json(const Checkpoint& checkpoint, const Architecture& architecture);

}  // namespace loewner::cli
