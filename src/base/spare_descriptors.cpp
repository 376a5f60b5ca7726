// SPDX-License-Identifier: Apache-2.0
#include "base/spare_descriptors.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "loewner/base/error.hpp"

namespace loewner::detail {

SpareDescriptors::SpareDescriptors() {
  descriptors_.fill(-1);
  for (int& descriptor : descriptors_) {
    descriptor = ::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor >= 0) continue;
    const std::string reason = std::generic_category().message(errno);
    release();
    throw IoError("/: cannot open: " + reason);
  }
}

void SpareDescriptors::release() noexcept {
  for (int& descriptor : descriptors_) {
    if (descriptor >= 0) ::close(std::exchange(descriptor, -1));
  }
}

}  // namespace loewner::detail
