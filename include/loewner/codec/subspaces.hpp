// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "loewner/cluster/projective_clustering.hpp"
#include "loewner/codec/encoded_matrix.hpp"

namespace loewner {

/// Rows in clusters with a subspace for each cluster: row i of cluster l is  w_i = left_l[p_i]
/// right_l, where p_i is the number of rows before i in cluster l. Decoding a row takes 2 j_l d
/// flops.
///
/// The cluster of a row is one byte. The positions p_i follow from the clusters and are not stored.
/// A cluster of dimension 0 has rows of zeros and no arrays.
class Subspaces final : public EncodedMatrix {
 public:
  /// The factors of a cluster with n_l rows in j_l dimensions.
  struct Cluster {
    /// n_l x j_l. Its rows may be computed or read from a file when they are used. Null if j_l is
    /// 0.
    std::shared_ptr<const RowSource> left;
    Matrix<float> right;  ///< j_l x d
  };

  /// Takes the labels and the factors.
  ///
  /// Errors    InvalidArgument unless there are 1 to 256 clusters, every label is below their
  ///           number, and left_l is n_l x j_l.
  Subspaces(ClusterLabels cluster_of_row, Index cols, std::vector<Cluster> clusters, NumberFormat format);

  /// Reads the matrix from the arrays of a file.
  ///
  /// Errors    IoError that names the field or the array that does not fit.
  static std::unique_ptr<EncodedMatrix> from_tensors(const Json& spec, const ArrayLookup& arrays);

  /// Bytes of the arrays if all factors together have this many numbers.
  static Index bytes_of_numbers(Index rows, Index numbers, NumberFormat format);

  /// The dimension j_l of every cluster.
  std::vector<Index> dimensions() const;
  /// The number of rows n_l of every cluster.
  std::vector<Index> sizes() const;
  std::span<const std::uint8_t> cluster_of_row() const { return *cluster_of_row_; }

  std::string_view structure() const override { return "subspaces"; }
  Index rows() const override { return static_cast<Index>(cluster_of_row_->size()); }
  Index cols() const override { return cols_; }
  std::vector<StoredArray> to_tensors() const override;
  Json spec_fields() const override;
  MatrixView<const float> read_rows(Index first, Index count, Matrix<float>& buffer) const override;
  void decode_rows(std::span<const Index> indices, MatrixView<float> out) const override;
  void apply(MatrixView<const float> x, MatrixView<float> y) const override;

 private:
  struct Part {
    std::shared_ptr<const RowSource> left;
    std::shared_ptr<const OwnedRows> right;
    std::vector<Index> rows;  // increasing; row p of `left` belongs to row rows[p] of the matrix
  };

  std::shared_ptr<const ClusterLabels> cluster_of_row_;
  std::vector<Index> position_;  // p_i
  std::vector<Part> parts_;
  Index cols_;
  NumberFormat format_;
};

}  // namespace loewner
