// SPDX-License-Identifier: Apache-2.0
#include "loewner/regression/label_plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <set>

#include "support/messages.hpp"
#include "support/regression_data.hpp"

namespace loewner::label_plan_test {
namespace {

LabelPlan plan(const Matrix<double>& a, const LabelPlanOptions& options) {
  return plan_labels(RowMatrix(a.view()), options);
}

bool same(const LabelPlan& x, const LabelPlan& y) {
  return x.num_rows == y.num_rows && x.norm_exponent == y.norm_exponent && x.rows == y.rows &&
         x.probabilities == y.probabilities;
}

TEST(LabelPlan, PivotalSamplingMeetsTheBudgetExactly) {
  const auto a = test::coherent_matrix(500, 4, 1);
  for (const double p : {1.0, 1.5, 3.0}) {
    for (const Index budget : {1, 7, 60, 499}) {
      for (std::uint64_t seed = 0; seed < 5; ++seed) {
        const auto chosen = plan(a, {.norm_exponent = p, .budget = budget, .seed = seed});
        EXPECT_EQ(static_cast<Index>(chosen.rows.size()), budget);
        EXPECT_TRUE(std::ranges::is_sorted(chosen.rows, std::less_equal{}));
        for (const double q : chosen.probabilities) EXPECT_TRUE(q > 0 && q <= 1);
      }
    }
  }
}

TEST(LabelPlan, ChoosesAllNonzeroRowsIfTheBudgetAllows) {
  auto a = test::gaussian_matrix64(20, 3, 4);
  std::ranges::fill(a.row(5), 0.0);
  for (const auto importance : {LabelImportance::lewis, LabelImportance::leverage, LabelImportance::sensitivity}) {
    const auto chosen = plan(a, {.budget = 50, .importance = importance});
    EXPECT_EQ(chosen.rows.size(), 19U);
    EXPECT_EQ(std::ranges::count(chosen.rows, 5), 0);
    EXPECT_EQ(std::ranges::count(chosen.probabilities, 1.0), 19);
  }
}

TEST(LabelPlan, LewisWeightsFindTheFewImportantRowsAndUniformSamplingDoesNot) {
  const auto a = test::planted_matrix(4000, 5, 8, 5);
  const auto planted = [&](LabelImportance importance) {
    const auto chosen = plan(a, {.budget = 100, .importance = importance});
    return std::ranges::count_if(chosen.rows, [](Index row) { return row % 500 == 0; });
  };
  EXPECT_EQ(planted(LabelImportance::lewis), 8);
  EXPECT_LE(planted(LabelImportance::uniform), 2);
}

TEST(LabelPlan, SpreadsLabelsMoreEvenlyThanIndependentDraws) {
  Matrix<double> line(1000, 2);  // points on a line: labels per tenth of it
  for (Index i = 0; i < 1000; ++i) {
    line(i, 0) = 1;
    line(i, 1) = static_cast<double>((i * 617) % 1000) / 1000 - 0.5;
  }
  const auto spread = [&](SamplingScheme scheme) {
    double sum = 0;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      const auto chosen =
          plan(line, {.budget = 50, .importance = LabelImportance::uniform, .scheme = scheme, .seed = seed});
      std::vector<double> tenths(10, 0.0);
      for (const Index row : chosen.rows) tenths[static_cast<Index>((line(row, 1) + 0.5) * 10)] += 1;
      for (const double count : tenths) sum += (count - 5) * (count - 5);
    }
    return sum / 200;
  };
  EXPECT_LT(spread(SamplingScheme::pivotal), 1);
  EXPECT_GT(spread(SamplingScheme::poisson), 3);  // 4.75 expected
}

TEST(LabelPlan, DependsOnTheSeedAndNotOnThreads) {
  const auto a = test::coherent_matrix(3000, 5, 6);
  const auto run = [&](int threads, std::uint64_t seed) {
    const test::ThreadCount scope(threads);
    return plan(a, {.budget = 80, .seed = seed});
  };
  EXPECT_TRUE(same(run(1, 1), run(2, 1)));
  EXPECT_TRUE(same(run(1, 1), run(8, 1)));
  EXPECT_FALSE(same(run(1, 1), run(1, 2)));
}

TEST(LabelPlan, BudgetFollowsTheRuleOfThumb) {
  EXPECT_EQ(label_budget(100000, 15, 1, 0.1), 4 * 15 * 4 + 300);
  EXPECT_EQ(label_budget(100000, 15, 4, 0.1), 4 * 225 * 4);
  EXPECT_EQ(label_budget(50, 15, 1, 0.1), 50);
  EXPECT_THROW((void)label_budget(50, 15, 1, 0), InvalidArgument);
}

TEST(LabelPlan, RejectsAZeroBudgetAndNonFiniteDesigns) {
  auto a = test::gaussian_matrix64(10, 2, 7);
  EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { (void)plan(a, {.budget = 0}); }), "at least 1, got 0");
  EXPECT_THROW((void)plan(a, {.norm_exponent = 0.5, .budget = 3}), InvalidArgument);
  a(3, 1) = std::nan("");
  for (const auto importance :
       {LabelImportance::lewis, LabelImportance::leverage, LabelImportance::sensitivity, LabelImportance::uniform}) {
    const LabelPlanOptions options{.budget = 3, .importance = importance};
    EXPECT_CONTAINS(test::message_of<InvalidArgument>([&] { (void)plan(a, options); }), "row 3, column 1");
  }
}

TEST(LabelPlan, IsEmptyForMatricesOfRankZero) {
  EXPECT_TRUE(plan(Matrix<double>(0, 3), {.budget = 5}).rows.empty());
  EXPECT_TRUE(plan(Matrix<double>(4, 3), {.budget = 5}).rows.empty());
}

// ---- as text ----

TEST(LabelPlanText, ReadsBackTheWrittenPlan) {
  const auto a = test::coherent_matrix(500, 4, 8);
  const auto written = plan(a, {.norm_exponent = 1.3, .budget = 40});
  EXPECT_TRUE(same(parse_label_plan(to_csv(written), "plan"), written));
  EXPECT_TRUE(same(parse_label_plan(to_csv({}), "plan"), {}));
}

TEST(LabelPlanText, NamesTheLineAndTheViolatedRule) {
  const std::string head = "# loewner label plan, rows=10, norm_exponent=1\nrow,probability\n";
  const auto message = [&](const std::string& text) {
    return test::message_of<IoError>([&] { (void)parse_label_plan(text, "plan.csv"); });
  };
  EXPECT_EQ(message(head + "3,0.5\n3,0.5\n"), "plan.csv: line 4: rows must be ascending");
  EXPECT_CONTAINS(message(head + "10,0.5\n"), "line 3: the row must be in [0, 10)");
  EXPECT_CONTAINS(message(head + "-1,0.5\n"), "line 3: the row must be in [0, 10)");
  EXPECT_CONTAINS(message(head + "1,0\n"), "the probability must be in (0, 1]");
  EXPECT_CONTAINS(message(head + "1,1.5\n"), "the probability must be in (0, 1]");
  EXPECT_CONTAINS(message(head + "1,nan\n"), "the probability must be in (0, 1]");
  EXPECT_CONTAINS(message(head + "1,0.5,7\n"), "expected the end of the line");
  EXPECT_CONTAINS(message(head + "1;0.5\n"), "expected ','");
  EXPECT_CONTAINS(message(head + "1,0.5"), "expected an end of line");
  EXPECT_CONTAINS(message(""), "line 1");
  EXPECT_CONTAINS(message("row,probability\n"), "line 1: expected '# loewner label plan");
  EXPECT_CONTAINS(message("# loewner label plan, rows=99999999999999999999, norm_exponent=1\n"), "number of rows");
  EXPECT_CONTAINS(message("# loewner label plan, rows=10, norm_exponent=inf\n"), "norm_exponent must be finite");
}

}  // namespace
}  // namespace loewner::label_plan_test
