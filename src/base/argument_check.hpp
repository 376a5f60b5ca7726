// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "loewner/base/checked_size.hpp"
#include "loewner/base/error.hpp"

namespace loewner::detail {

/// The shortest decimal text that reads back as the same number.
template <typename Number>
std::string text_of(Number value) {
  std::array<char, 32> digits;
  return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr};
}

/// "3 x 4"
inline std::string shape_text(Index rows, Index cols) {
  return text_of(rows) + " x " + text_of(cols);
}

/// Checks the arguments of one public function. A check that fails throws InvalidArgument; its message names the
/// function, the argument, the requirement and the received value:
/// "lewis_weights: norm_exponent must be finite and at least 1, got 0.5".
class ArgumentCheck {
 public:
  /// function: a name that outlives this object, usually a literal.
  explicit ArgumentCheck(const char* function) : function_(function) {}

  const char* function() const { return function_; }

  /// Any requirement; message() is called only when it does not hold.
  template <typename Message>
  void that(bool holds, Message&& message) const {
    require(holds, [&] { return std::string(function_) + ": " + message(); });
  }

  /// "<name> must be <requirement>, got <value>"
  template <typename Number>
  void number(bool holds, std::string_view name, std::string_view requirement, Number value) const {
    that(holds, [&] { return std::string(name) + " must be " + std::string(requirement) + ", got " + text_of(value); });
  }

  template <typename Number>
  void at_least(std::string_view name, Number value, std::type_identity_t<Number> least) const {
    that(value >= least,
         [&] { return std::string(name) + " must be at least " + text_of(least) + ", got " + text_of(value); });
  }

  void in_range(std::string_view name, Index value, Index low, Index high) const {
    that(low <= value && value <= high, [&] {
      return std::string(name) + " must be in [" + text_of(low) + ", " + text_of(high) + "], got " + text_of(value);
    });
  }

  void positive(std::string_view name, double value) const { number(value > 0, name, "positive", value); }

  void positive_and_finite(std::string_view name, double value) const {
    number(value > 0 && std::isfinite(value), name, "positive and finite", value);
  }

  void norm_exponent(double p) const {
    number(p >= 1 && std::isfinite(p), "norm_exponent", "finite and at least 1", p);
  }

  void rank(Index rank, Index rows, Index cols, std::string_view name = "rank") const {
    const Index limit = std::min(rows, cols);
    that(rank >= 1 && rank <= limit, [&] {
      return std::string(name) + " must be in [1, " + text_of(limit) + "] for a " + shape_text(rows, cols) +
             " matrix, got " + text_of(rank);
    });
  }

  void one_value_per_row(std::string_view name, std::size_t size, Index rows) const {
    that(static_cast<Index>(size) == rows, [&] {
      return std::string(name) + " must have one value per row (" + text_of(rows) + "), got " + text_of(size);
    });
  }

  /// Empty, or one finite value >= 0 per row.
  void row_weights(std::span<const double> weights, Index rows, std::string_view name = "row_weights") const {
    if (weights.empty()) return;
    one_value_per_row(name, weights.size(), rows);
    const auto bad = std::ranges::find_if_not(weights, [](double w) { return w >= 0 && std::isfinite(w); });
    that(bad == weights.end(), [&] {
      return std::string(name) + " must be finite and at least 0, got " + text_of(*bad) + " for row " +
             text_of(bad - weights.begin());
    });
  }

  /// Empty, or one value in (0, 1] per row.
  void probabilities(std::span<const double> values, Index rows) const {
    if (values.empty()) return;
    one_value_per_row("probabilities", values.size(), rows);
    const auto bad = std::ranges::find_if_not(values, [](double q) { return q > 0 && q <= 1; });
    that(bad == values.end(), [&] {
      return "probabilities must be in (0, 1], got " + text_of(*bad) + " for row " + text_of(bad - values.begin());
    });
  }

  /// No entry of the matrix is infinite or NaN; the message names the row and the column.
  template <typename Rows>
  void finite(const Rows& a, const std::string& name = "the matrix") const {
    require_finite(a, std::string(function_) + ": " + name);
  }

 private:
  const char* function_;
};

}  // namespace loewner::detail
