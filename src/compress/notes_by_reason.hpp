// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "loewner/base/checked_size.hpp"

namespace loewner::detail {

/// Notes on tensors that are left alone: one for each reason, which names the first tensor.
class NotesByReason {
 public:
  void add(const std::string& name, const std::string& reason) {
    auto& [first, count] = tensors_[reason];
    if (count++ == 0) first = name;
  }

  /// Adds notes such as "a.weight and 2 more", `between`, the reason.
  void append_to(std::vector<std::string>& notes, const std::string& between) const {
    for (const auto& [reason, tensors] : tensors_) {
      const auto& [first, count] = tensors;
      std::string note = first;
      if (count > 1) note += " and " + std::to_string(count - 1) + " more";
      notes.push_back(note.append(between).append(reason));
    }
  }

 private:
  std::map<std::string, std::pair<std::string, Index>> tensors_;
};

}  // namespace loewner::detail
