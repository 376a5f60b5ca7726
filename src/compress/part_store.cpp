// SPDX-License-Identifier: Apache-2.0
#include "compress/part_store.hpp"

#include <utility>

namespace loewner {
namespace {

// Computing time that a killed run may lose. Repeating less than this costs less than saving it.
constexpr double kUnsavedSeconds = 0.5;

}  // namespace

bool PartStore::has(std::size_t number) const {
  const std::lock_guard lock(mutex_);
  return parts_.contains(number) || staged_.has_part(std::to_string(number));
}

std::shared_ptr<const Part> PartStore::at(std::size_t number) {
  const std::lock_guard lock(mutex_);
  auto& part = parts_[number];
  if (part == nullptr) part = std::make_shared<Part>(load_part(job_, staged_, number));
  return part;
}

void PartStore::add(std::size_t number, Part part) {
  const std::lock_guard lock(mutex_);
  unsaved_bytes_ += part.held_bytes;
  unsaved_seconds_ += part.seconds;
  parts_[number] = std::make_shared<Part>(std::move(part));
  if (unsaved_seconds_ > kUnsavedSeconds || unsaved_bytes_ > memory_limit(job_.options) / 4) save_locked();
}

void PartStore::save() {
  const std::lock_guard lock(mutex_);
  save_locked();
}

Index PartStore::free_memory() const {
  const std::lock_guard lock(mutex_);
  return memory_limit(job_.options) - unsaved_bytes_;
}

void PartStore::save_locked() {
  for (auto& [number, part] : parts_) {
    if (part->matrix == nullptr) continue;
    save_part(job_, *part, staged_, number);
    Part saved = load_part(job_, staged_, number);
    saved.seconds = part->seconds;
    part = std::make_shared<Part>(std::move(saved));
  }
  unsaved_bytes_ = 0;
  unsaved_seconds_ = 0;
}

}  // namespace loewner
