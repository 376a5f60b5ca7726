// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "compress/part.hpp"

namespace loewner {

/// The encoded parts of a session by the number of their tensor. Cheap parts stay in memory; the
/// others are saved in the stage, where a resumed run finds them. Several threads may use it.
class PartStore {
 public:
  PartStore(const Job& job, const StagedFolder& staged) : job_(job), staged_(staged) {}

  /// Whether a tensor has a part, of this run or an earlier one.
  bool has(std::size_t number) const;

  /// The numbers of the saved parts.
  std::vector<std::size_t> saved() const { return staged_.part_numbers(""); }

  /// The part of a tensor that has one; loads it if an earlier run saved it.
  std::shared_ptr<const Part> at(std::size_t number);

  /// Takes a part, and saves all parts in memory when they are worth it.
  void add(std::size_t number, Part part);

  /// Saves all parts in memory.
  void save();

  /// The memory of the job that parts do not hold.
  Index free_memory() const;

 private:
  void save_locked();

  const Job& job_;
  const StagedFolder& staged_;
  mutable std::mutex mutex_;
  std::map<std::size_t, std::shared_ptr<const Part>> parts_;
  Index unsaved_bytes_ = 0;
  double unsaved_seconds_ = 0;
};

}  // namespace loewner
