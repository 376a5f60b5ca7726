// SPDX-License-Identifier: Apache-2.0
#include "linalg/block_krylov_sizes.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "linalg/krylov_space.hpp"

namespace loewner::detail {
namespace {

constexpr Index kLongestSide = Index{1} << 48;  // multiples of it by some 1000 bytes are an Index

std::string message(const std::string& requirement, const std::string& received) {
  return std::string(kBlockKrylov) + ": " + requirement + ", got " + received;
}

// The default is 16 with float32 products: they take 16 vectors as long as 8, since both wait for the matrix.
Index block_size(const LinearOperator& a, const BlockKrylovOptions& options, bool is_single) {
  const Index wanted = options.start.rows() > 0 ? options.start.rows()
                       : options.block > 0      ? options.block
                       : options.rank < 8       ? 4
                       : is_single              ? 16
                                                : 8;
  return std::min({wanted, a.rows(), a.cols()});
}

// The room that a restart needs: for the Ritz vectors that it keeps, the pending block and two more blocks.
Index smallest_capacity(const BlockKrylovOptions& options, const BlockKrylovSizes& sizes) {
  return 2 * options.rank + 3 * (sizes.block + sizes.fresh);
}

Index capacity(const LinearOperator& a, const BlockKrylovOptions& options, const BlockKrylovSizes& sizes) {
  const Index bytes_each = 8 * (a.rows() + a.cols());
  const Index smallest = std::min(a.cols(), smallest_capacity(options, sizes));
  if (options.steps > 0) {  // a complete space has cols() vectors, however many steps are wanted
    return options.steps < a.cols() / sizes.block ? sizes.block * (options.steps + 1) : a.cols();
  }
  if (options.max_bytes == 0) return std::max(smallest, (Index{1} << 30) / bytes_each);
  require(options.max_bytes >= smallest * bytes_each, [&] {
    return message("max_bytes must be at least " + std::to_string(smallest * bytes_each) + " (or 0)",
                   std::to_string(options.max_bytes));
  });
  return options.max_bytes / bytes_each;
}

// Enough for a space of k vectors and the probes.
void require_products(const BlockKrylovOptions& options, const BlockKrylovSizes& sizes) {
  const Index steps_needed = (options.rank + sizes.block - 1) / sizes.block;
  const Index least = 2 * sizes.block * steps_needed + KrylovSpace::kProbes;
  if (options.steps > 0) {
    require(options.steps >= steps_needed - 1, [&] {
      return message("steps must be at least " + std::to_string(steps_needed - 1) + " for blocks of " +
                         std::to_string(sizes.block),
                     std::to_string(options.steps));
    });
  } else {
    require(sizes.max_products >= least, [&] {
      return message("max_products must be at least " + std::to_string(least) + " (or 0)",
                     std::to_string(options.max_products));
    });
  }
}

}  // namespace

void require_usable(const LinearOperator& a, const BlockKrylovOptions& options) {
  const Index limit = std::min(a.rows(), a.cols());
  require(std::max(a.rows(), a.cols()) <= kLongestSide, [&] {
    return message("the matrix must have at most 2^48 rows and columns",
                   std::to_string(a.rows()) + " x " + std::to_string(a.cols()));
  });
  require(options.rank >= 1 && options.rank <= limit, [&] {
    return message("rank must be in [1, " + std::to_string(limit) + "] for a " + std::to_string(a.rows()) + " x " +
                       std::to_string(a.cols()) + " matrix",
                   std::to_string(options.rank));
  });
  require(options.norm_exponent >= 1,
          [&] { return message("norm_exponent must be at least 1", std::to_string(options.norm_exponent)); });
  require(options.eps > 0 && std::isfinite(options.eps),
          [&] { return message("eps must be positive and finite", std::to_string(options.eps)); });
  require(options.vector_tolerance >= 0,
          [&] { return message("vector_tolerance must not be negative", std::to_string(options.vector_tolerance)); });
  require(options.start.rows() == 0 || (options.start.rows() <= limit && options.start.cols() == a.cols() &&
                                        (options.block == 0 || options.block == options.start.rows())),
          [&] {
            return message("start must have `block` rows, at most " + std::to_string(limit) + ", of " +
                               std::to_string(a.cols()) + " numbers",
                           std::to_string(options.start.rows()) + " of " + std::to_string(options.start.cols()));
          });
  require_finite(RowMatrix(options.start), std::string(kBlockKrylov) + ": start");
  for (const Index count : {options.block, options.steps, options.max_products, options.max_bytes}) {
    require(count >= 0, [&] {
      return message("block, steps, max_products and max_bytes must not be negative", std::to_string(count));
    });
  }
}

BlockKrylovSizes block_krylov_sizes(const LinearOperator& a, const BlockKrylovOptions& options, bool is_single) {
  BlockKrylovSizes sizes;
  sizes.block = block_size(a, options, is_single);
  sizes.fresh = std::min(options.rank, (sizes.block + 3) / 4);
  sizes.max_products =
      options.max_products > 0 ? options.max_products : 8 * (std::min(a.rows(), a.cols()) + sizes.block + 2);
  sizes.capacity = capacity(a, options, sizes);
  require_products(options, sizes);
  return sizes;
}

}  // namespace loewner::detail
