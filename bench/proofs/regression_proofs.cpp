// SPDX-License-Identifier: Apache-2.0
// Looks for false proofs of lp_regression: random systems of every kind, against solutions in quadruple precision.
//     loewner_regression_proofs [SYSTEMS] [FIRST SEED]
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <map>
#include <random>
#include <string>

#include "loewner/regression/lp_regression.hpp"
#include "quad_regression.hpp"

namespace loewner::proofs {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kTolerance = 1e-9;
const std::vector<double> kExponents{1, 1.01, 1.5, 2, 3, kInfinity};
const std::vector<std::string> kDesigns{"normal",    "condition", "Vandermonde",     "rows", "columns", "scale",
                                        "deficient", "weights",   "conditioned rows"};
const std::vector<std::string> kTargets{"consistent", "nearly consistent", "random", "outliers", "of the rows"};

class Generator {
 public:
  explicit Generator(unsigned long seed) : random_(seed) {}

  double normal() { return normal_(random_); }
  double uniform(double low, double high) { return low + (high - low) * unit_(random_); }
  Index integer(Index low, Index high) {
    return std::min(high, low + static_cast<Index>(uniform(0, 1) * static_cast<double>(high - low + 1)));
  }

  Matrix<double> normal_matrix(Index rows, Index cols) {
    Matrix<double> a(rows, cols);
    for (Index i = 0; i < rows * cols; ++i) a.data()[i] = normal();
    return a;
  }

  // Singular values from 1 down to 1 / condition: Q diag(sigma) V^T with Q, V from Gram-Schmidt.
  Matrix<double> matrix_of_condition(Index n, Index d, double condition) {
    const Matrix<double> q = orthonormal(n, d), v = orthonormal(d, d);
    Matrix<double> a(n, d);
    for (Index k = 0; k < d; ++k) {
      const double sigma = d == 1 ? 1 : std::pow(condition, -static_cast<double>(k) / static_cast<double>(d - 1));
      for (Index i = 0; i < n; ++i) {
        for (Index j = 0; j < d; ++j) a(i, j) += sigma * q(i, k) * v(j, k);
      }
    }
    return a;
  }

 private:
  Matrix<double> orthonormal(Index n, Index d) {
    Matrix<double> q = normal_matrix(n, d);
    for (Index k = 0; k < d; ++k) {
      for (Index other = 0; other < 2 * k; ++other) {
        double part = 0;
        for (Index i = 0; i < n; ++i) part += q(i, k) * q(i, other % k);
        for (Index i = 0; i < n; ++i) q(i, k) -= part * q(i, other % k);
      }
      double length = 0;
      for (Index i = 0; i < n; ++i) length = std::hypot(length, q(i, k));
      for (Index i = 0; i < n; ++i) q(i, k) /= length;
    }
    return q;
  }

  std::mt19937_64 random_;
  std::normal_distribution<double> normal_;
  std::uniform_real_distribution<double> unit_;
};

struct Kind {
  std::size_t design, target;
};

System random_system(Generator& random, const Kind& kind) {
  const Index d = random.integer(1, 8), n = d + random.integer(kind.design == 6 ? -1 : 0, 40);
  System system{.a = random.normal_matrix(std::max<Index>(1, n), d), .b = {}, .weights = {}};
  const Index rows = system.a.rows();
  std::vector<double> row_scales(rows, 1.0), column_scales(d, 1.0);
  double scale = 1;
  const double reach = random.uniform(0, 1) < 0.3 ? 150 : 16;
  switch (kind.design) {
    case 1:
      system.a = random.matrix_of_condition(rows, d, std::pow(10, random.uniform(0, 14)));
      break;
    case 2:
      for (Index i = 0; i < rows; ++i) {
        for (Index j = 0; j < d; ++j) system.a(i, j) = std::pow(rows == 1 ? 1.0 : -1 + 2.0 * i / (rows - 1), j);
      }
      break;
    case 8:
      system.a = random.matrix_of_condition(rows, d, std::pow(10, random.uniform(0, 14)));
      [[fallthrough]];
    case 3:
      for (double& x : row_scales) x = std::pow(10, random.uniform(-reach, reach));
      break;
    case 4:
      for (double& x : column_scales) x = std::pow(10, random.uniform(-2 * reach, 1.9 * reach));
      break;
    case 5:
      scale = std::pow(10, random.uniform(-300, 300));
      break;
    case 6:
      for (Index i = 0; i < rows; ++i) {
        for (Index j = 1; j < d; j += 2)
          system.a(i, j) = j % 4 == 1 ? system.a(i, j - 1) : system.a(i, 0) + 0.1 * system.a(i, j - 1);
      }
      break;
    case 7:
      for (Index i = 0; i < rows; ++i)
        system.weights.push_back(i % 7 == 6 ? 0 : std::pow(10, random.uniform(-reach / 2, reach / 2)));
      break;
    default:
      break;
  }
  for (Index i = 0; i < rows; ++i) {
    for (Index j = 0; j < d; ++j) system.a(i, j) *= row_scales[i] * column_scales[j] * scale;
  }
  system.b = random.normal_matrix(rows, 1);
  if (kind.target == 0 || kind.target == 1) {
    for (Index i = 0; i < rows; ++i) {
      double value = 0;
      for (Index j = 0; j < d; ++j) value += system.a(i, j) / column_scales[j] / scale;
      const double noise = kind.target == 0 ? 0 : 1e-10 * random.normal();
      system.b(i, 0) = (1 + noise) * value;
    }
  } else if (kind.target == 3) {
    for (Index i = 0; i < rows; i += 5) system.b(i, 0) *= 1e6;
  } else if (kind.target == 4) {
    for (Index i = 0; i < rows; ++i) system.b(i, 0) *= row_scales[i];
  }
  if (random.uniform(0, 1) < 0.2) {
    const double factor = std::pow(10, random.uniform(-120, 120));
    for (Index i = 0; i < rows; ++i) system.b(i, 0) *= factor;
  }
  return system;
}

struct Count {
  int systems = 0, false_bounds = 0, worse_than_zero = 0, wrong_objectives = 0, wrong_statuses = 0, converged = 0,
      not_numbers = 0;
};

Quad size_of(const System& system, const QuadVector& x) {
  Quad sum = 0;
  for (Index j = 0; j < system.a.cols(); ++j) {
    Quad largest = 0;
    for (Index i = 0; i < system.a.rows(); ++i) largest = std::max(largest, fabsq(system.a(i, j)));
    sum += largest * x[j] * largest * x[j];
  }
  return sqrtq(sum);
}

void examine(const System& system, Count& count, const std::string& name) {
  const auto fit = lp_regression(RowMatrix(system.a.view()), system.b.view(),
                                 {.norm_exponent = system.p, .row_weights = system.weights, .tolerance = kTolerance});
  ++count.systems;
  const Index d = system.a.cols();
  QuadVector x(d);
  bool is_number = std::isfinite(fit.objectives[0]) && std::isfinite(fit.lower_bounds[0]);
  for (Index j = 0; j < d; ++j) {
    x[j] = fit.x(j, 0);
    is_number = is_number && std::isfinite(fit.x(j, 0));
  }
  if (!is_number) {
    ++count.not_numbers;
    std::printf("not a number: %s\n", name.c_str());
    return;
  }
  QuadRegression quad(system);
  const QuadObjective own = quad.objective(x), zero = quad.objective(QuadVector(d, 0));
  const QuadVector best = quad.solution(fit.rank == d ? 1e-30Q : 1e-13Q);
  Quad least = std::min(own.value, zero.value);
  const bool is_near = fit.rank == d || size_of(system, best) <= 500 * std::max(size_of(system, x), zero.largest);
  if (is_near) least = std::min(least, quad.objective(best).value);
  const Quad objective = fit.objectives[0], bound = fit.lower_bounds[0];
  const Quad denormal = 1e-320Q;
  const bool is_false = bound > least * (1 + 1e-13Q) + denormal;
  const bool is_worse = own.value > zero.value * (1 + 1e-13Q) + denormal;
  const bool is_wrong = fabsq(objective - own.value) > 1e-12Q * own.value + denormal;
  const bool is_exact = own.largest <= 1.0000001e-12Q * zero.largest;
  const bool converged = fit.statuses[0] == Status::converged;
  const bool is_bad_status = converged && !is_exact && !(own.value - bound <= 1.00001e-9Q * own.value + denormal);
  count.false_bounds += is_false;
  count.worse_than_zero += is_worse;
  count.wrong_objectives += is_wrong;
  count.wrong_statuses += is_bad_status;
  count.converged += converged;
  if (is_false || is_worse || is_wrong || is_bad_status) {
    std::printf("%s%s%s%s- %s, %ld x %ld, rank %ld\n", is_false ? "false " : "", is_worse ? "worse " : "",
                is_wrong ? "wrong " : "", is_bad_status ? "status " : "", name.c_str(),
                static_cast<long>(system.a.rows()), static_cast<long>(d), static_cast<long>(fit.rank));
    std::printf("    objective %.9g, exactly %.9g; bound %.9g; best known %.9g; x = 0: %.9g\n", fit.objectives[0],
                static_cast<double>(own.value), fit.lower_bounds[0], static_cast<double>(least),
                static_cast<double>(zero.value));
  }
}

int run(long systems, unsigned long first_seed) {
  std::map<std::string, Count> counts;
  Count all;
  for (long i = 0; i < systems; ++i) {
    Generator random(first_seed + static_cast<unsigned long>(i));
    const Kind kind{static_cast<std::size_t>(i) % kDesigns.size(),
                    static_cast<std::size_t>(random.integer(0, static_cast<Index>(kTargets.size()) - 1))};
    System system = random_system(random, kind);
    system.p = kExponents[static_cast<std::size_t>(i) / kDesigns.size() % kExponents.size()];
    const std::string name = "seed " + std::to_string(first_seed + static_cast<unsigned long>(i)) + ", " +
                             kDesigns[kind.design] + ", " + kTargets[kind.target] + ", p = " + std::to_string(system.p);
    examine(system, counts[kDesigns[kind.design]], name);
  }
  std::printf("%-18s %8s %8s %8s %8s %8s %8s %10s\n", "design", "systems", "false", "worse", "wrong", "status", "NaN",
              "converged");
  const auto print = [](const char* name, const Count& c) {
    std::printf("%-18s %8d %8d %8d %8d %8d %8d %10d\n", name, c.systems, c.false_bounds, c.worse_than_zero,
                c.wrong_objectives, c.wrong_statuses, c.not_numbers, c.converged);
  };
  int offenses = 0;
  for (const auto& [name, c] : counts) {
    print(name.c_str(), c);
    all.systems += c.systems;
    all.false_bounds += c.false_bounds;
    all.worse_than_zero += c.worse_than_zero;
    all.wrong_objectives += c.wrong_objectives;
    all.wrong_statuses += c.wrong_statuses;
    all.not_numbers += c.not_numbers;
    all.converged += c.converged;
    offenses += c.false_bounds + c.worse_than_zero + c.wrong_objectives + c.wrong_statuses + c.not_numbers;
  }
  print("all", all);
  return offenses == 0 ? 0 : 1;
}

}  // namespace
}  // namespace loewner::proofs

int main(int argc, char** argv) {
  return loewner::proofs::run(argc > 1 ? std::atol(argv[1]) : 10000, argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 0);
}
