// SPDX-License-Identifier: Apache-2.0
#include "regression/pivotal_sample.hpp"

#include <algorithm>
#include <optional>

namespace loewner::detail {
namespace {

constexpr double kRounding = 1e-9;  // a probability this close to 0 or 1 is decided: sums of probabilities are rounded

Index coordinate_of_largest_variance(MatrixView<const double> coordinates, std::span<const Index> rows) {
  const Index d = coordinates.cols();
  std::vector<double> sums(d, 0.0), squares(d, 0.0);
  for (const Index i : rows) {
    for (Index j = 0; j < d; ++j) {
      sums[j] += coordinates(i, j);
      squares[j] += coordinates(i, j) * coordinates(i, j);
    }
  }
  const auto count = static_cast<double>(rows.size());
  Index widest = 0;
  double largest = -1;
  for (Index j = 0; j < d; ++j) {
    const double variance = squares[j] - sums[j] * sums[j] / count;
    if (variance > largest) {
      largest = variance;
      widest = j;
    }
  }
  return widest;
}

// Compares each row with the one that is still undecided. Of two rows with probabilities x and y
// one is decided: it leaves if x + y <= 1, it is chosen if x + y > 1. The other keeps the rest of x
// + y.
class PivotalMethod {
 public:
  PivotalMethod(std::vector<double> probabilities, RandomStream random)
      : probabilities_(std::move(probabilities)), random_(random) {}

  void add(Index row) {
    if (probabilities_[row] >= 1) {
      chosen_.push_back(row);
    } else if (!open_) {
      open_ = row;
    } else {
      compete(*open_, row);
    }
  }

  std::vector<Index> finish() {
    if (open_ && random_.uniform() < probabilities_[*open_]) chosen_.push_back(*open_);
    std::ranges::sort(chosen_);
    return std::move(chosen_);
  }

 private:
  void compete(Index first, Index second) {
    const double x = probabilities_[first], y = probabilities_[second], sum = x + y;
    if (sum <= 1) {
      open_ = random_.uniform() * sum < x ? first : second;
      probabilities_[*open_] = sum;
    } else {
      const bool first_is_chosen = random_.uniform() * (2 - sum) < 1 - y;
      chosen_.push_back(first_is_chosen ? first : second);
      open_ = first_is_chosen ? second : first;
      probabilities_[*open_] = sum - 1;
    }
    if (probabilities_[*open_] >= 1 - kRounding) {
      chosen_.push_back(*open_);
      open_.reset();
    } else if (probabilities_[*open_] <= kRounding) {
      open_.reset();
    }
  }

  std::vector<double> probabilities_;
  RandomStream random_;
  std::optional<Index> open_;  // the undecided row
  std::vector<Index> chosen_;
};

}  // namespace

void order_by_medians(MatrixView<const double> coordinates, std::span<Index> rows) {
  if (rows.size() <= 2) return;
  const Index widest = coordinate_of_largest_variance(coordinates, rows);
  const std::size_t half = rows.size() / 2;
  std::ranges::nth_element(rows, rows.begin() + static_cast<std::ptrdiff_t>(half), [&](Index i, Index k) {
    const double x = coordinates(i, widest), y = coordinates(k, widest);
    return x != y ? x < y : i < k;
  });
  order_by_medians(coordinates, rows.first(half));
  order_by_medians(coordinates, rows.subspan(half));
}

std::vector<Index> pivotal_sample(std::vector<double> probabilities, std::span<const Index> order,
                                  RandomStream random) {
  PivotalMethod method(std::move(probabilities), random);
  for (const Index row : order) method.add(row);
  return method.finish();
}

}  // namespace loewner::detail
