// SPDX-License-Identifier: Apache-2.0
#include "progress_bar.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace loewner::cli {
namespace {

constexpr int kBarWidth = 24;
constexpr const char* kEraseLine = "\r\033[K";

}  // namespace

ProgressBar::~ProgressBar() {
  if (drawn_) out_ << kEraseLine << std::flush;
}

void ProgressBar::show(std::string_view what, double fraction) {
  const double elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  const int filled = static_cast<int>(std::clamp(fraction, 0.0, 1.0) * kBarWidth);
  const std::string left = fraction > 0.05 ? fmt::format("{:.0f} s left", elapsed / fraction - elapsed) : "";
  out_ << kEraseLine
       << fmt::format("[{}{}] {:3.0f} %  {:>10}  {}", std::string(filled, '#'), std::string(kBarWidth - filled, '.'),
                      100 * fraction, left, what)
       << std::flush;
  drawn_ = true;
}

}  // namespace loewner::cli
