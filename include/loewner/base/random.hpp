// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace loewner {

/// The use of a random number. Purposes never share a stream, so a new one leaves the numbers of
/// the others unchanged.
enum class RandomPurpose : std::uint32_t { test_data = 1, initial_guess = 2, sampling = 3, sketch = 4, rotation = 5 };

/// One block of Philox4x32-10: four random words, a pure function of counter and key.
///
/// Method    [SalmonMoraesDrorShaw2011].
/// Errors    none.
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

/// A stream of random numbers, a pure function of (seed, purpose, index).
///
/// Shapes    next_words: any number of words.
/// Method    philox4x32 of a counter; Box-Muller for normal(), rejection for below().
/// Cost      10 rounds of two multiplications for every four words; two uniform numbers for every
///           two normal ones.
/// Accuracy  uniform() has 53 random bits; normal() is at most 8.6 in magnitude.
/// Random    streams share no state: any thread may draw from the streams of different indices in
///           any order with the same result.
/// Errors    none; `bound` must be at least 1.
class RandomStream {
 public:
  RandomStream(std::uint64_t seed, RandomPurpose purpose, std::uint64_t index = 0);

  std::uint32_t next_word();
  void next_words(std::span<std::uint32_t> words);  ///< words.size() calls of next_word
  std::uint64_t next_uint64();
  double uniform();                          ///< in [0, 1), 53 random bits
  double normal();                           ///< standard normal (Box-Muller)
  std::uint64_t below(std::uint64_t bound);  ///< uniform in [0, bound) without bias; bound >= 1

 private:
  std::array<std::uint32_t, 2> key_;
  std::array<std::uint32_t, 4> counter_;
  std::array<std::uint32_t, 4> block_{};
  int used_ = 4;
  double spare_normal_ = 0;
  bool has_spare_ = false;
};

}  // namespace loewner
