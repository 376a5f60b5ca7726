// SPDX-License-Identifier: Apache-2.0
#include "linalg/block_krylov_sizes.hpp"

#include <algorithm>
#include <cmath>

#include "base/argument_check.hpp"
#include "linalg/krylov_space.hpp"

namespace loewner::detail {
namespace {

constexpr Index kLongestSide = Index{1} << 48;  // multiples of it by some 1000 bytes are an Index

const ArgumentCheck kCheck(kBlockKrylov);

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
  kCheck.number(options.max_bytes >= smallest * bytes_each, "max_bytes",
                "at least " + text_of(smallest * bytes_each) + " (or 0)", options.max_bytes);
  return options.max_bytes / bytes_each;
}

// Enough for a space of k vectors and the probes.
void require_products(const BlockKrylovOptions& options, const BlockKrylovSizes& sizes) {
  const Index steps_needed = (options.rank + sizes.block - 1) / sizes.block;
  const Index least = 2 * sizes.block * steps_needed + KrylovSpace::kProbes;
  if (options.steps > 0) {
    kCheck.number(options.steps >= steps_needed - 1, "steps",
                  "at least " + text_of(steps_needed - 1) + " for blocks of " + text_of(sizes.block), options.steps);
  } else {
    kCheck.number(sizes.max_products >= least, "max_products", "at least " + text_of(least) + " (or 0)",
                  options.max_products);
  }
}

}  // namespace

void require_usable(const LinearOperator& a, const BlockKrylovOptions& options) {
  const Index limit = std::min(a.rows(), a.cols());
  kCheck.that(std::max(a.rows(), a.cols()) <= kLongestSide, [&] {
    return "the matrix must have at most 2^48 rows and columns, got " + shape_text(a.rows(), a.cols());
  });
  kCheck.rank(options.rank, a.rows(), a.cols());
  kCheck.at_least("norm_exponent", options.norm_exponent, 1);
  kCheck.positive_and_finite("eps", options.eps);
  kCheck.at_least("vector_tolerance", options.vector_tolerance, 0);
  kCheck.that(options.start.rows() == 0 || (options.start.rows() <= limit && options.start.cols() == a.cols() &&
                                            (options.block == 0 || options.block == options.start.rows())),
              [&] {
                return "start must have `block` rows, at most " + text_of(limit) + ", of " + text_of(a.cols()) +
                       " numbers, got " + text_of(options.start.rows()) + " of " + text_of(options.start.cols());
              });
  kCheck.finite(RowMatrix(options.start), "start");
  for (const Index count : {options.block, options.steps, options.max_products, options.max_bytes}) {
    kCheck.that(count >= 0,
                [&] { return "block, steps, max_products and max_bytes must not be negative, got " + text_of(count); });
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
