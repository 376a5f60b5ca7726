// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/rank_curves.hpp"

#include <algorithm>

#include "linalg/blas_memory.hpp"
#include "loewner/base/error.hpp"
#include "loewner/base/parallel.hpp"
#include "loewner/compress/selection.hpp"
#include "loewner/linalg/singular_values.hpp"
#include "loewner/sketch/residual_curve.hpp"

namespace loewner {
namespace {

constexpr Index kMostExactSide = 1024, kSketchSize = 2048, kMostSketchedRank = 512;

bool is_exact(Index rows, Index cols) {
  return std::min(rows, cols) <= kMostExactSide;
}

std::vector<double> sketched_error(const RowSource& rows, std::uint64_t seed) {
  const ResidualCurve curve =
      estimate_residuals(RowMatrix(rows), {.max_rank = kMostSketchedRank, .sketch_size = kSketchSize, .seed = seed});
  std::vector<double> error;
  for (const double residual : curve.residual) {
    error.push_back(curve.frobenius_norm > 0 ? residual / curve.frobenius_norm : 0.0);
  }
  return error;
}

void require_finite_tensor(const Checkpoint& checkpoint, const std::string& name, const RowSource& rows) {
  try {
    require_finite(rows, checkpoint.shard_of(checkpoint.at(name)).file->path().string() + ": tensor '" + name + "'");
  } catch (const InvalidArgument& error) {
    throw IoError(error.what());  // the file is wrong, not the caller
  }
}

}  // namespace

RankCurve rank_curve(const Checkpoint& checkpoint, const std::string& name, std::uint64_t seed) {
  const auto rows = checkpoint.rows_of(name);
  RankCurve curve{.name = name,
                  .rows = rows->rows(),
                  .cols = rows->cols(),
                  .error = {},
                  .exact = is_exact(rows->rows(), rows->cols())};
  try {
    curve.error = curve.exact ? relative_residuals(singular_values_float32(*rows)) : sketched_error(*rows, seed);
  } catch (const InvalidArgument&) {
    require_finite_tensor(checkpoint, name, *rows);
    throw;
  }
  return curve;
}

std::vector<RankCurve> rank_curves(const Checkpoint& checkpoint, const Architecture& architecture, std::uint64_t seed,
                                   const ProgressCallback& progress) {
  blas::reserve_memory();
  CompressOptions everything;
  everything.selection = Selection::all;
  const auto tensors = select_tensors(checkpoint, architecture, everything).tensors;
  std::vector<RankCurve> curves(tensors.size());
  std::vector<Index> exact;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (is_exact(tensors[i].rows(), tensors[i].cols())) exact.push_back(static_cast<Index>(i));
  }
  // Small matrices run in parallel, the largest first. Large ones run one after another, each with
  // all threads.
  std::ranges::stable_sort(exact, std::ranges::greater(),
                           [&](Index i) { return tensors[i].rows() * tensors[i].cols(); });
  parallel_for(static_cast<Index>(exact.size()),
               [&](Index i) { curves[exact[i]] = rank_curve(checkpoint, tensors[exact[i]].name(), seed); });
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (is_exact(tensors[i].rows(), tensors[i].cols())) continue;
    if (progress) progress(tensors[i].name(), static_cast<double>(i) / static_cast<double>(tensors.size()));
    curves[i] = rank_curve(checkpoint, tensors[i].name(), seed);
  }
  return curves;
}

std::optional<Index> rank_for_error(const RankCurve& curve, double error) {
  const auto first = std::ranges::find_if(curve.error, [&](double left) { return left <= error; });
  if (first == curve.error.end()) return std::nullopt;
  return first - curve.error.begin();
}

}  // namespace loewner
