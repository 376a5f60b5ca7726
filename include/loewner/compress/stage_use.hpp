// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace loewner {

/// Who writes into an unfinished output beside this process.
enum class StageUse {
  alone,     ///< nobody: this process makes all parts and publishes the output
  worker,    ///< other workers of the same run; none of them publishes the output
  assembly,  ///< nobody any more: this process publishes what the workers made
};

}  // namespace loewner
