// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/subspaces.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "codec/spec_field.hpp"
#include "codec/stored_bytes.hpp"
#include "linalg/blas.hpp"
#include "linalg/gathered_rows.hpp"
#include "loewner/base/error.hpp"

namespace loewner {
namespace {

constexpr const char* kClusterArray = "cluster";

std::string array_name(const char* side, std::size_t cluster) {
  return std::string(side) + "_" + std::to_string(cluster);
}

// A list field of 1 to 256 integers in [0, most].
std::vector<Index> list_field(const Json& spec, const std::string& name, Index most) {
  const auto field = detail::spec_field<Json>(spec, name);
  const auto size = static_cast<Index>(field.size());
  if (!field.is_array() || size < 1 || size > kMaxClusters) {
    throw IoError("specification: field '" + name + "' must be a list of 1 to 256 integers, got " + field.dump());
  }
  std::vector<Index> values;
  for (const auto& value : field) {
    if (!detail::is_whole(value, 0, most)) {
      throw IoError("specification: field '" + name + "' must hold integers in [0, " + std::to_string(most) +
                    "], got " + value.dump());
    }
    values.push_back(value.get<Index>());
  }
  return values;
}

void require_sizes(const ClusterLabels& labels, const std::vector<Index>& sizes) {
  std::vector<Index> counts(sizes.size());
  for (const auto label : labels) ++counts[label];
  for (std::size_t l = 0; l < sizes.size(); ++l) {
    if (counts[l] != sizes[l]) {
      throw IoError("array 'cluster' must hold the number " + std::to_string(l) + " " + std::to_string(sizes[l]) +
                    " times, got it " + std::to_string(counts[l]) + " times");
    }
  }
}

ClusterLabels read_labels(const StoredArray& array, Index rows, std::size_t num_clusters) {
  ClusterLabels labels = detail::read_stored<std::uint8_t>(array, DType::u8, rows);
  for (Index i = 0; i < rows; ++i) {
    if (labels[i] >= num_clusters) {
      throw IoError("array 'cluster' must hold numbers below " + std::to_string(num_clusters) + ", got " +
                    std::to_string(labels[i]) + " for row " + std::to_string(i));
    }
  }
  return labels;
}

void fill_with_zeros(MatrixView<float> out) {
  for (Index i = 0; i < out.rows(); ++i) std::ranges::fill(out.row(i), 0.0F);
}

}  // namespace

Subspaces::Subspaces(ClusterLabels cluster_of_row, Index cols, std::vector<Cluster> clusters, NumberFormat format)
    : position_(cluster_of_row.size()), parts_(clusters.size()), cols_(cols), format_(format) {
  require(!clusters.empty() && static_cast<Index>(clusters.size()) <= kMaxClusters, [&] {
    return "Subspaces: the number of clusters must be in [1, 256], got " + std::to_string(clusters.size());
  });
  for (std::size_t i = 0; i < cluster_of_row.size(); ++i) {
    require(cluster_of_row[i] < clusters.size(), [&] {
      return "Subspaces: row " + std::to_string(i) + " must be in one of " + std::to_string(clusters.size()) +
             " clusters, got " + std::to_string(cluster_of_row[i]);
    });
    auto& rows = parts_[cluster_of_row[i]].rows;
    position_[i] = static_cast<Index>(rows.size());
    rows.push_back(static_cast<Index>(i));
  }
  for (std::size_t l = 0; l < clusters.size(); ++l) {
    auto& left = clusters[l].left;
    auto& right = clusters[l].right;
    const auto size = static_cast<Index>(parts_[l].rows.size());
    const bool fits =
        right.rows() == 0 || (right.cols() == cols && left && left->rows() == size && left->cols() == right.rows());
    require(fits, [&] {
      return "Subspaces: the factors of cluster " + std::to_string(l) + " must be " + std::to_string(size) + " x " +
             std::to_string(right.rows()) + " and " + std::to_string(right.rows()) + " x " + std::to_string(cols) +
             ", got " + (left ? std::to_string(left->rows()) + " x " + std::to_string(left->cols()) : "nothing") +
             " and " + std::to_string(right.rows()) + " x " + std::to_string(right.cols());
    });
    parts_[l].left = std::move(left);
    parts_[l].right = std::make_shared<OwnedRows>(std::move(right));
  }
  cluster_of_row_ = std::make_shared<ClusterLabels>(std::move(cluster_of_row));
}

std::unique_ptr<EncodedMatrix> Subspaces::from_tensors(const Json& spec, const ArrayLookup& arrays) {
  const Index rows = detail::size_field(spec, "rows"), cols = detail::size_field(spec, "cols");
  const NumberFormat format = detail::format_field(spec);
  const auto dimensions = list_field(spec, "dimensions", cols), sizes = list_field(spec, "sizes", rows);
  if (sizes.size() != dimensions.size()) {
    throw IoError("specification: field 'sizes' must have as many entries as 'dimensions', " +
                  std::to_string(dimensions.size()) + ", got " + std::to_string(sizes.size()));
  }
  ClusterLabels labels = read_labels(arrays(kClusterArray), rows, dimensions.size());
  require_sizes(labels, sizes);
  std::vector<Cluster> clusters(dimensions.size());
  for (std::size_t l = 0; l < clusters.size(); ++l) {
    if (dimensions[l] == 0) continue;
    const StoredArray left = arrays(array_name("left", l)), right = arrays(array_name("right", l));
    detail::require_array(left, dtype_of(format), sizes[l], dimensions[l]);
    detail::require_array(right, dtype_of(format), dimensions[l], cols);
    clusters[l] = {stored_rows(left), read_all(*stored_rows(right))};
  }
  return std::make_unique<Subspaces>(std::move(labels), cols, std::move(clusters), format);
}

Index Subspaces::bytes_of_numbers(Index rows, Index numbers, NumberFormat format) {
  return rows + numbers * bytes_per_number(format);
}

std::vector<Index> Subspaces::dimensions() const {
  std::vector<Index> dimensions;
  for (const auto& part : parts_) dimensions.push_back(part.right->rows());
  return dimensions;
}

std::vector<Index> Subspaces::sizes() const {
  std::vector<Index> sizes;
  for (const auto& part : parts_) sizes.push_back(static_cast<Index>(part.rows.size()));
  return sizes;
}

std::vector<StoredArray> Subspaces::to_tensors() const {
  std::vector<StoredArray> arrays{detail::stored_bytes(kClusterArray, DType::u8, cluster_of_row_)};
  for (std::size_t l = 0; l < parts_.size(); ++l) {
    if (parts_[l].right->rows() == 0) continue;
    arrays.push_back(stored_as(array_name("left", l), parts_[l].left, dtype_of(format_)));
    arrays.push_back(stored_as(array_name("right", l), parts_[l].right, dtype_of(format_)));
  }
  return arrays;
}

Json Subspaces::spec_fields() const {
  return {{"dimensions", dimensions()}, {"sizes", sizes()}, {"format", to_string(format_)}};
}

MatrixView<const float> Subspaces::read_rows(Index first, Index count, Matrix<float>& buffer) const {
  std::vector<Index> indices(count);
  for (Index i = 0; i < count; ++i) indices[i] = first + i;
  if (buffer.rows() != count || buffer.cols() != cols_) buffer = Matrix<float>::uninitialized(count, cols_);
  decode_rows(indices, buffer.view());
  return std::as_const(buffer).view();
}

// One product for each cluster: gathers its rows of the left block, multiplies them, and scatters
// the result.
void Subspaces::decode_rows(std::span<const Index> indices, MatrixView<float> out) const {
  std::vector<std::vector<Index>> places(parts_.size()), positions(parts_.size());
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const auto l = (*cluster_of_row_)[indices[i]];
    places[l].push_back(static_cast<Index>(i));
    positions[l].push_back(position_[indices[i]]);
  }
  for (std::size_t l = 0; l < parts_.size(); ++l) {
    const auto right = parts_[l].right->view();
    const auto count = static_cast<Index>(places[l].size());
    if (count == 0) continue;
    Matrix<float> decoded(count, cols_);
    if (right.rows() > 0) {
      Matrix<float> picked = Matrix<float>::uninitialized(count, right.rows());
      detail::gather_rows(*parts_[l].left, positions[l], picked.view());
      blas::gemm(blas::Op::none, blas::Op::none, 1.0F, std::as_const(picked).view(), right, 0.0F, decoded.view());
    }
    for (Index i = 0; i < count; ++i) std::ranges::copy(decoded.row(i), out.row(places[l][i]).begin());
  }
}

void Subspaces::apply(MatrixView<const float> x, MatrixView<float> y) const {
  fill_with_zeros(y);  // rows of clusters with dimension 0 stay zero
  for (const Part& part : parts_) {
    const auto right = part.right->view();
    if (right.rows() == 0) continue;
    Matrix<float> inner = Matrix<float>::uninitialized(x.rows(), right.rows());
    blas::gemm(blas::Op::none, blas::Op::transpose, 1.0F, x, right, 0.0F, inner.view());
    for_each_row_block(*part.left, [&](Index, Index first, MatrixView<const float> left) {
      Matrix<float> products = Matrix<float>::uninitialized(x.rows(), left.rows());
      blas::gemm(blas::Op::none, blas::Op::transpose, 1.0F, std::as_const(inner).view(), left, 0.0F, products.view());
      for (Index m = 0; m < x.rows(); ++m) {
        for (Index i = 0; i < left.rows(); ++i) y(m, part.rows[first + i]) = products(m, i);
      }
    });
  }
}

}  // namespace loewner
