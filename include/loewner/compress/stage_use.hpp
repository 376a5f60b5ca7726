// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace loewner {

/// Who writes into an unfinished output beside this process.
enum class StageUse {
  alone,     ///< no other process: this one makes all parts and publishes the output
  worker,    ///< other workers of the same run; none of them publishes the output
  assembly,  ///< no other process: the workers have ended, and this one publishes the output
};

}  // namespace loewner
