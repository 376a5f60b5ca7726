// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>

#include <atomic>
#include <functional>
#include <mutex>

#include "loewner/base/parallel.hpp"

namespace loewner::python {

/// The threads of an OpenMP runtime, through the entry of it that compilers call.
class OpenMpTeam final : public ThreadTeam {
 public:
  using Run = void (*)(void (*work)(void*), void* data, unsigned count, unsigned flags);
  using Size = int (*)();

  int size() const override {
    const Size size = size_;
    return size == nullptr ? 1 : size();
  }

  void run(int count, const std::function<void()>& work) const override {
    const Run run = run_;
    if (run == nullptr) return work();
    run([](void* data) { (*static_cast<const std::function<void()>*>(data))(); },
        const_cast<std::function<void()>*>(&work), static_cast<unsigned>(count), 0);
  }

  /// None: the runtime's threads do not exist in a forked process, where it would wait for them.
  void set(Run run, Size size) {
    run_ = run;
    size_ = size;
    static std::once_flag is_registered;
    std::call_once(is_registered, [] { pthread_atfork(nullptr, nullptr, [] { of_host().run_ = nullptr; }); });
  }

  const ThreadTeam* get() const { return run_.load() == nullptr ? nullptr : this; }

  static OpenMpTeam& of_host() {
    static OpenMpTeam team;
    return team;
  }

 private:
  std::atomic<Run> run_{nullptr};
  std::atomic<Size> size_{nullptr};
};

}  // namespace loewner::python
