// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <cmath>
#include <limits>
#include <string>
#include <system_error>

#include "base/argument_check.hpp"
#include "loewner/base/error.hpp"
#include "loewner/regression/label_plan.hpp"

namespace loewner {
namespace {

constexpr std::string_view kTitle = "# loewner label plan, rows=", kExponent = ", norm_exponent=",
                           kHeader = "row,probability";

using detail::text_of;

// Reads the plan line by line. An error names the line.
class PlanReader {
 public:
  PlanReader(std::string_view text, const std::string& name) : rest_(text), name_(name) {}

  LabelPlan read() {
    LabelPlan plan;
    next_line();
    expect(kTitle);
    plan.num_rows = number<Index>("the number of rows");
    expect(kExponent);
    plan.norm_exponent = number<double>("the norm exponent");
    expect_end();
    check(plan.num_rows >= 0, "the number of rows must be at least 0");
    check(plan.norm_exponent >= 1 && std::isfinite(plan.norm_exponent), "norm_exponent must be finite and at least 1");
    next_line();
    expect(kHeader);
    expect_end();
    while (!rest_.empty()) read_row(plan);
    return plan;
  }

 private:
  void read_row(LabelPlan& plan) {
    next_line();
    const auto row = number<Index>("a row");
    expect(",");
    const auto probability = number<double>("a probability");
    expect_end();
    check(row >= 0 && row < plan.num_rows, "the row must be in [0, " + text_of(plan.num_rows) + ")");
    check(plan.rows.empty() || row > plan.rows.back(), "rows must be ascending");
    check(probability >= std::numeric_limits<double>::min() && probability <= 1, "the probability must be in (0, 1]");
    plan.rows.push_back(row);
    plan.probabilities.push_back(probability);
  }

  void next_line() {
    ++number_;
    const auto end = rest_.find('\n');
    check(end != std::string_view::npos, "expected an end of line");
    line_ = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    if (line_.ends_with('\r')) line_.remove_suffix(1);
  }

  void expect(std::string_view part) {
    check(line_.starts_with(part), "expected '" + std::string(part) + "'");
    line_.remove_prefix(part.size());
  }
  void expect_end() { check(line_.empty(), "expected the end of the line"); }

  template <typename Number>
  Number number(const char* what) {
    Number value{};
    const auto [end, error] = std::from_chars(line_.data(), line_.data() + line_.size(), value);
    check(error == std::errc{}, std::string("expected ") + what);
    line_.remove_prefix(static_cast<std::size_t>(end - line_.data()));
    return value;
  }

  void check(bool condition, const std::string& rule) const {
    if (!condition) throw IoError(name_ + ": line " + text_of(number_) + ": " + rule);
  }

  std::string_view rest_, line_;
  const std::string& name_;
  int number_ = 0;
};

}  // namespace

std::string to_csv(const LabelPlan& plan) {
  std::string text(kTitle);
  text += text_of(plan.num_rows);
  text += kExponent;
  text += text_of(plan.norm_exponent) + "\n";
  text += std::string(kHeader) + "\n";
  for (std::size_t i = 0; i < plan.rows.size(); ++i) {
    text += text_of(plan.rows[i]) + "," + text_of(plan.probabilities[i]) + "\n";
  }
  return text;
}

LabelPlan parse_label_plan(std::string_view text, const std::string& name) {
  return PlanReader(text, name).read();
}

}  // namespace loewner
