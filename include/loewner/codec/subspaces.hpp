// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "loewner/cluster/projective_clustering.hpp"
#include "loewner/codec/encoded_matrix.hpp"

namespace loewner {

/// Rows in clusters, each of which has a subspace of its own: row i of cluster l is  w_i = left_l[p_i] right_l,  with
/// p_i the number of rows of cluster l before i. A look-up costs j_l d.
///
/// The cluster of a row is one byte; the positions p_i follow from it and are not stored. A cluster of dimension 0
/// stands for rows of zeros and has no arrays.
class Subspaces final : public EncodedMatrix {
 public:
  struct Cluster {
    std::shared_ptr<const RowSource> left;  ///< n_l x j_l; may be computed or read on the way; null when j_l is 0
    Matrix<float> right;                    ///< j_l x d
  };

  /// InvalidArgument unless there are 1 to 256 clusters, every label names one, and left_l is n_l x j_l.
  Subspaces(ClusterLabels cluster_of_row, Index cols, std::vector<Cluster> clusters, NumberFormat format);

  /// Reads it back. IoError when a label names no cluster or the arrays do not fit the specification.
  static std::unique_ptr<EncodedMatrix> from_tensors(const Json& spec, const ArrayLookup& arrays);

  /// Bytes of the arrays when the factors together have so many numbers.
  static Index bytes_of_numbers(Index rows, Index numbers, NumberFormat format);

  /// j_l of every cluster.
  std::vector<Index> dimensions() const;
  /// n_l of every cluster.
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
    std::vector<Index> rows;  // of the matrix, ascending: row p of `left` is rows[p]
  };

  std::shared_ptr<const ClusterLabels> cluster_of_row_;
  std::vector<Index> position_;  // p_i
  std::vector<Part> parts_;
  Index cols_;
  NumberFormat format_;
};

}  // namespace loewner
