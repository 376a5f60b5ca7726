// SPDX-License-Identifier: Apache-2.0
#include "loewner/cluster/convex_code.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>

#include "base/argument_check.hpp"
#include "cluster/simplex_least_squares.hpp"
#include "linalg/input_scale.hpp"
#include "linalg/matrix_copies.hpp"
#include "loewner/base/cancellation.hpp"
#include "loewner/base/error.hpp"
#include "loewner/base/parallel.hpp"
#include "sketch/sketched_basis.hpp"

namespace loewner {
namespace {

constexpr Index kRowsPerBlock = 256;

struct RowCode {
  std::vector<std::int32_t> columns;
  std::vector<double> weights;
  double scale = 1, squared_distance = 0, gap = 0;
};

// Marks the `count` largest weights that are positive; of equal weights the first.
std::vector<char> largest_weights(const std::vector<double>& weights, Index count) {
  std::vector<Index> order(weights.size());
  std::iota(order.begin(), order.end(), Index{0});
  std::ranges::nth_element(order, order.begin() + (count - 1), [&](Index a, Index b) {
    return weights[a] != weights[b] ? weights[a] > weights[b] : a < b;
  });
  std::vector<char> kept(weights.size(), 0);
  for (Index i = 0; i < count; ++i) kept[order[i]] = weights[order[i]] > 0;
  return kept;
}

// Weights and scale of one row, from its products with the vertices.
class RowCoder {
 public:
  RowCoder(const detail::SimplexGram& gram, std::span<const double> products, double squared_norm,
           const ConvexCodeOptions& options)
      : gram_(gram), products_(products), squared_norm_(squared_norm), options_(options) {}

  RowCode code() {
    solve(std::vector<char>(products_.size(), 1));
    const auto used = std::ranges::count_if(weights_, [](double w) { return w > 0; });
    if (options_.sparsity > 0 && used > options_.sparsity) solve(largest_weights(weights_, options_.sparsity));
    if (options_.scaled) set_scale();
    return result();
  }

 private:
  // Weights that sum to 1 or, scaled, weights times the scale: the problem is convex in these.
  void solve(const std::vector<char>& allowed) {
    for (std::size_t j = 0; j < weights_.size(); ++j) {
      if (!allowed[j]) weights_[j] = 0;
    }
    std::vector<double> c(products_.begin(), products_.end());
    const double tolerance = options_.gap * squared_norm_;
    detail::SimplexMinimum minimum;
    if (options_.scaled) {
      minimum = detail::minimize_over_cone(gram_, c, allowed, std::move(weights_), tolerance);
    } else {
      // The shift of H in c as well, so that the gradient remains that of the squared distance.
      for (double& x : c) x += gram_.shift();
      minimum = detail::minimize_over_simplex(gram_, c, allowed, std::move(weights_), tolerance);
    }
    weights_ = std::move(minimum.weights);
    gap_ = minimum.gap;
  }

  // Divides the weights by their sum, which becomes the scale. Scale 0: any vertex will do.
  void set_scale() {
    scale_ = std::accumulate(weights_.begin(), weights_.end(), 0.0);
    if (scale_ > 0) {
      for (double& w : weights_) w /= scale_;
    } else {
      weights_[std::ranges::max_element(products_) - products_.begin()] = 1;
    }
  }

  // ||M^T w||^2 and <a, M^T w>.
  struct Mixture {
    double squared_length = 0, along = 0;
  };
  Mixture mixture() const {
    Mixture sum;
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      if (weights_[i] <= 0) continue;
      sum.along += weights_[i] * products_[i];
      for (std::size_t j = 0; j < weights_.size(); ++j) {
        sum.squared_length +=
            weights_[i] * weights_[j] * (gram_.shifted()(static_cast<Index>(i), static_cast<Index>(j)) - gram_.shift());
      }
    }
    return sum;
  }

  RowCode result() const {
    RowCode code;
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      if (weights_[i] <= 0) continue;
      code.columns.push_back(static_cast<std::int32_t>(i));
      code.weights.push_back(weights_[i]);
    }
    const auto [squared_length, along] = mixture();
    code.scale = scale_;
    code.squared_distance = std::max(0.0, squared_norm_ + code.scale * (code.scale * squared_length - 2 * along));
    code.gap = squared_norm_ > 0 ? gap_ / squared_norm_ : 0.0;
    return code;
  }

  const detail::SimplexGram& gram_;
  std::span<const double> products_;
  double squared_norm_;
  const ConvexCodeOptions& options_;
  double scale_ = 1, gap_ = 0;
  std::vector<double> weights_;
};

std::vector<RowCode> codes_of_block(const RowMatrix& a, MatrixView<const double> vertices_t,
                                    const detail::SimplexGram& gram, Index first, Index count,
                                    const ConvexCodeOptions& options) {
  Matrix<double> products = Matrix<double>::uninitialized(count, vertices_t.cols());
  detail::multiply_rows(a, first, vertices_t, products.view());
  Matrix<double> row(1, a.cols());
  std::vector<RowCode> codes;
  for (Index i = 0; i < count; ++i) {
    throw_if_cancelled();
    read_rows_wide(a, first + i, row.view());
    const auto values = row.row(0);
    const double squared_norm = std::inner_product(values.begin(), values.end(), values.begin(), 0.0);
    codes.push_back(RowCoder(gram, products.row(i), squared_norm, options).code());
  }
  return codes;
}

void require_usable(MatrixView<const double> vertices, const RowMatrix& a, const ConvexCodeOptions& options) {
  const detail::ArgumentCheck check("convex_code");
  check.that(vertices.rows() >= 1 && vertices.cols() == a.cols(), [&] {
    return "vertices must be k x " + detail::text_of(a.cols()) + " with k >= 1, got " +
           detail::shape_text(vertices.rows(), vertices.cols());
  });
  check.number(options.sparsity >= 0, "sparsity", ">= 0", options.sparsity);
  check.number(options.gap >= 0 && std::isfinite(options.gap), "gap", "finite and >= 0", options.gap);
}

// The exponents by which the vertices and A are divided; without scales s_i by the same.
struct Exponents {
  int of_vertices = 0, of_a = 0;
};

Exponents exponents_of(MatrixView<const double> vertices, const RowMatrix& a, bool are_scaled) {
  const double largest_vertex = detail::largest_magnitude(RowMatrix(vertices), "convex_code: the matrix of vertices"),
               largest = detail::largest_magnitude(a, "convex_code: the matrix");
  constexpr int kOrdinary = detail::kOrdinaryDoubles;
  if (are_scaled) {
    return {.of_vertices = detail::input_exponent(largest_vertex, kOrdinary),
            .of_a = detail::input_exponent(largest, kOrdinary)};
  }
  const int common = detail::input_exponent(std::max(largest_vertex, largest), kOrdinary);
  return {.of_vertices = common, .of_a = common};
}

ConvexCodes codes_of(MatrixView<const double> vertices, const RowMatrix& a, const ConvexCodeOptions& options) {
  const detail::SimplexGram gram(vertices);
  const Matrix<double> vertices_t = detail::transposed(vertices);
  const Index blocks = (a.rows() + kRowsPerBlock - 1) / kRowsPerBlock;
  std::vector<std::vector<RowCode>> parts(static_cast<std::size_t>(blocks));
  parallel_for(blocks, [&](Index block) {
    const Index first = block * kRowsPerBlock, count = std::min(kRowsPerBlock, a.rows() - first);
    parts[block] = codes_of_block(a, vertices_t.view(), gram, first, count, options);
  });
  ConvexCodes codes;
  for (const auto& part : parts) {
    for (const auto& code : part) {
      codes.columns.insert(codes.columns.end(), code.columns.begin(), code.columns.end());
      codes.weights.insert(codes.weights.end(), code.weights.begin(), code.weights.end());
      codes.row_offsets.push_back(static_cast<std::int64_t>(codes.columns.size()));
      codes.scales.push_back(code.scale);
      codes.squared_distances.push_back(code.squared_distance);
      codes.largest_gap = std::max(codes.largest_gap, code.gap);
    }
  }
  return codes;
}

}  // namespace

ConvexCodes convex_code(MatrixView<const double> vertices, const RowMatrix& a, const ConvexCodeOptions& options) {
  require_usable(vertices, a, options);
  const auto [of_vertices, of_a] = exponents_of(vertices, a, options.scaled);
  if (of_vertices == 0 && of_a == 0) return codes_of(vertices, a, options);
  const detail::ArgumentCheck check("convex_code");
  constexpr const char* kSquares = "the squared distances";
  if (of_a < 0) detail::restored(check, kSquares, 1.0, 2 * of_a);  // else they would all be 0
  const detail::ScaledMatrix scaled_vertices(RowMatrix(vertices), of_vertices), scaled(a, of_a);
  Matrix<double> small_vertices = Matrix<double>::uninitialized(vertices.rows(), vertices.cols());
  read_rows_wide(scaled_vertices.view(), 0, small_vertices.view());
  ConvexCodes codes = codes_of(small_vertices.view(), scaled.view(), options);
  detail::restore(check, kSquares, codes.squared_distances, 2 * of_a);
  if (!codes.scales.empty()) {
    detail::restored(check, "the scales", std::ranges::max(codes.scales), of_a - of_vertices);
    detail::restore(check, "the scales", codes.scales, of_a - of_vertices);
  }
  return codes;
}

}  // namespace loewner
