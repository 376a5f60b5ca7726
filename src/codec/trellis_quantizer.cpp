// SPDX-License-Identifier: Apache-2.0
#include "loewner/codec/trellis_quantizer.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <string>

#include "base/dispatch.hpp"
#include "base/vector8.hpp"
#include "loewner/base/error.hpp"

namespace loewner {
namespace detail {
namespace {

constexpr int kStates = 256;

// Parity checks of the 256-state code for one-dimensional signals (octal 515 and 362), with the
// newest bit lowest.
constexpr unsigned kHighParity = 0515, kLowParity = 0362;

// The 2^b positive levels for b = 1 ... 8 bits; they are part of the format. Trained by Lloyd's
// algorithm along the best paths of Gaussian vectors (tools/train_trellis_levels.py).
constexpr std::array<float, 510> kPositiveLevels = {
    // clang-format off
    // 1
    0.2350F, 1.2341F,
    // 2
    0.1814F, 0.5664F, 1.0610F, 1.8822F,
    // 3
    0.0953F, 0.3003F, 0.5030F, 0.7355F, 0.9968F, 1.3381F, 1.7983F, 2.5025F,
    // 4
    0.0525F, 0.1649F, 0.2738F, 0.3861F, 0.5015F, 0.6213F, 0.7453F, 0.8795F, 1.0203F, 1.1794F, 1.3595F, 1.5686F, 1.8188F, 2.1223F, 2.5210F, 3.1152F,
    // 5
    0.0309F, 0.0927F, 0.1549F, 0.2178F, 0.2790F, 0.3430F, 0.4068F, 0.4715F, 0.5370F, 0.6032F, 0.6708F, 0.7407F, 0.8108F, 0.8827F, 0.9576F, 1.0341F, 1.1128F, 1.1956F, 1.2819F, 1.3734F, 1.4696F, 1.5721F, 1.6831F, 1.8046F, 1.9358F, 2.0775F, 2.2369F, 2.4199F, 2.6248F, 2.8772F, 3.2223F, 3.7768F,
    // 6
    0.0162F, 0.0499F, 0.0830F, 0.1164F, 0.1496F, 0.1837F, 0.2162F, 0.2505F, 0.2827F, 0.3163F, 0.3497F, 0.3829F, 0.4163F, 0.4515F, 0.4858F, 0.5227F, 0.5559F, 0.5924F, 0.6263F, 0.6616F, 0.6966F, 0.7334F, 0.7701F, 0.8079F, 0.8457F, 0.8843F, 0.9219F, 0.9601F, 0.9998F, 1.0392F, 1.0800F, 1.1220F, 1.1638F, 1.2052F, 1.2479F, 1.2915F, 1.3350F, 1.3817F, 1.4291F, 1.4769F, 1.5275F, 1.5786F, 1.6318F, 1.6865F, 1.7443F, 1.8025F, 1.8640F, 1.9285F, 1.9966F, 2.0645F, 2.1378F, 2.2134F, 2.2949F, 2.3839F, 2.4788F, 2.5774F, 2.6847F, 2.8118F, 2.9564F, 3.1265F, 3.3148F, 3.5321F, 3.8419F, 4.3015F,
    // 7
    0.0082F, 0.0258F, 0.0417F, 0.0594F, 0.0757F, 0.0932F, 0.1097F, 0.1280F, 0.1444F, 0.1619F, 0.1782F, 0.1948F, 0.2116F, 0.2285F, 0.2453F, 0.2637F, 0.2804F, 0.2979F, 0.3155F, 0.3329F, 0.3510F, 0.3678F, 0.3857F, 0.4024F, 0.4194F, 0.4364F, 0.4535F, 0.4709F, 0.4880F, 0.5057F, 0.5240F, 0.5418F, 0.5597F, 0.5783F, 0.5955F, 0.6136F, 0.6320F, 0.6499F, 0.6675F, 0.6861F, 0.7045F, 0.7232F, 0.7412F, 0.7591F, 0.7782F, 0.7969F, 0.8166F, 0.8354F, 0.8542F, 0.8740F, 0.8935F, 0.9126F, 0.9320F, 0.9523F, 0.9726F, 0.9924F, 1.0115F, 1.0321F, 1.0524F, 1.0741F, 1.0951F, 1.1157F, 1.1372F, 1.1582F, 1.1796F, 1.2010F, 1.2218F, 1.2429F, 1.2643F, 1.2859F, 1.3088F, 1.3323F, 1.3552F, 1.3789F, 1.4020F, 1.4267F, 1.4514F, 1.4757F, 1.4989F, 1.5231F, 1.5467F, 1.5713F, 1.5975F, 1.6230F, 1.6495F, 1.6770F, 1.7048F, 1.7321F, 1.7601F, 1.7884F, 1.8166F, 1.8464F, 1.8761F, 1.9069F, 1.9378F, 1.9693F, 2.0035F, 2.0373F, 2.0722F, 2.1077F, 2.1450F, 2.1824F, 2.2226F, 2.2635F, 2.3035F, 2.3440F, 2.3871F, 2.4339F, 2.4804F, 2.5292F, 2.5785F, 2.6270F, 2.6792F, 2.7360F, 2.7987F, 2.8645F, 2.9384F, 3.0134F, 3.0891F, 3.1761F, 3.2707F, 3.3665F, 3.4936F, 3.6491F, 3.8436F, 4.0201F, 4.3541F, 4.6993F,
    // 8
    0.0038F, 0.0129F, 0.0217F, 0.0301F, 0.0387F, 0.0471F, 0.0554F, 0.0635F, 0.0715F, 0.0805F, 0.0889F, 0.0978F, 0.1055F, 0.1142F, 0.1227F, 0.1308F, 0.1395F, 0.1481F, 0.1563F, 0.1655F, 0.1735F, 0.1827F, 0.1909F, 0.1998F, 0.2079F, 0.2166F, 0.2251F, 0.2341F, 0.2424F, 0.2512F, 0.2600F, 0.2688F, 0.2767F, 0.2853F, 0.2934F, 0.3022F, 0.3106F, 0.3194F, 0.3283F, 0.3369F, 0.3456F, 0.3540F, 0.3630F, 0.3713F, 0.3803F, 0.3890F, 0.3976F, 0.4064F, 0.4152F, 0.4241F, 0.4325F, 0.4414F, 0.4502F, 0.4592F, 0.4675F, 0.4765F, 0.4851F, 0.4941F, 0.5024F, 0.5111F, 0.5200F, 0.5290F, 0.5377F, 0.5463F, 0.5555F, 0.5646F, 0.5738F, 0.5827F, 0.5921F, 0.6007F, 0.6099F, 0.6187F, 0.6283F, 0.6373F, 0.6466F, 0.6560F, 0.6650F, 0.6740F, 0.6832F, 0.6925F, 0.7014F, 0.7108F, 0.7198F, 0.7288F, 0.7377F, 0.7469F, 0.7561F, 0.7659F, 0.7752F, 0.7847F, 0.7946F, 0.8036F, 0.8140F, 0.8230F, 0.8323F, 0.8418F, 0.8511F, 0.8608F, 0.8705F, 0.8803F, 0.8903F, 0.8999F, 0.9095F, 0.9191F, 0.9289F, 0.9391F, 0.9485F, 0.9584F, 0.9684F, 0.9780F, 0.9884F, 0.9979F, 1.0076F, 1.0179F, 1.0278F, 1.0380F, 1.0479F, 1.0582F, 1.0685F, 1.0791F, 1.0894F, 1.0995F, 1.1098F, 1.1205F, 1.1306F, 1.1416F, 1.1518F, 1.1625F, 1.1732F, 1.1837F, 1.1945F, 1.2056F, 1.2158F, 1.2263F, 1.2373F, 1.2481F, 1.2593F, 1.2709F, 1.2824F, 1.2941F, 1.3050F, 1.3159F, 1.3272F, 1.3386F, 1.3502F, 1.3624F, 1.3742F, 1.3854F, 1.3967F, 1.4087F, 1.4211F, 1.4327F, 1.4442F, 1.4563F, 1.4683F, 1.4805F, 1.4932F, 1.5058F, 1.5181F, 1.5304F, 1.5426F, 1.5550F, 1.5677F, 1.5804F, 1.5942F, 1.6073F, 1.6199F, 1.6322F, 1.6460F, 1.6591F, 1.6729F, 1.6864F, 1.7005F, 1.7139F, 1.7274F, 1.7415F, 1.7557F, 1.7696F, 1.7848F, 1.7992F, 1.8140F, 1.8287F, 1.8439F, 1.8584F, 1.8723F, 1.8877F, 1.9037F, 1.9193F, 1.9351F, 1.9502F, 1.9656F, 1.9828F, 2.0003F, 2.0170F, 2.0334F, 2.0501F, 2.0671F, 2.0833F, 2.1011F, 2.1192F, 2.1385F, 2.1573F, 2.1766F, 2.1956F, 2.2145F, 2.2337F, 2.2546F, 2.2738F, 2.2941F, 2.3142F, 2.3333F, 2.3538F, 2.3750F, 2.3975F, 2.4212F, 2.4441F, 2.4675F, 2.4896F, 2.5146F, 2.5390F, 2.5641F, 2.5895F, 2.6172F, 2.6443F, 2.6716F, 2.6994F, 2.7260F, 2.7556F, 2.7882F, 2.8202F, 2.8498F, 2.8830F, 2.9212F, 2.9597F, 2.9989F, 3.0338F, 3.0724F, 3.1136F, 3.1563F, 3.2015F, 3.2475F, 3.2928F, 3.3449F, 3.3994F, 3.4622F, 3.5303F, 3.6088F, 3.6807F, 3.7603F, 3.8682F, 3.9628F, 4.0791F, 4.2901F, 4.4608F, 4.6993F, 5.3646F
    // clang-format on
};

// All levels for b bits in increasing order.
struct Levels {
  std::array<float, 512> values{};
  int count = 0;

  explicit constexpr Levels(int bits) : count(2 << bits) {
    const int half = count / 2, start = half - 2;  // 2 + 4 + ... + half / 2 levels come before
    for (int j = 0; j < half; ++j) {
      values[half + j] = kPositiveLevels[start + j];
      values[half - 1 - j] = -kPositiveLevels[start + j];
    }
  }
};

constexpr std::array<Levels, kMaxCodeBits + 1> kLevels = {Levels(1), Levels(1), Levels(2), Levels(3), Levels(4),
                                                          Levels(5), Levels(6), Levels(7), Levels(8)};

constexpr int subset_of(unsigned window) {
  return 2 * (std::popcount(window & kHighParity) % 2) + std::popcount(window & kLowParity) % 2;
}

// The subset for state q followed by the bit 0. The other three branches of a butterfly follow from
// it, because a flip of the newest or of the oldest bit flips the high parity.
constexpr std::array<std::int32_t, kStates / 2> kSubsets = [] {
  std::array<std::int32_t, kStates / 2> subsets{};
  for (unsigned q = 0; q < kStates / 2; ++q) subsets[q] = subset_of(2 * q);
  return subsets;
}();

static_assert((kHighParity & 1) != 0 && (kHighParity & kStates) != 0 && (kLowParity & 1) == 0 &&
              (kLowParity & kStates) == 0);

// One step of the Viterbi algorithm. cost[s] is the cost of the best path to state s, and
// `distance` has the squared distances of the entry from the four subsets. decision[s] is 1 if the
// path comes from the state with the oldest bit set. The states 2 q and 2 q + 1 come from q and q +
// 128.
LOEWNER_INLINE void step(const float* cost, const float* distance, float* next, std::uint8_t* decision) {
  const Float8 distances = {distance[0], distance[1], distance[2], distance[3],
                            distance[0], distance[1], distance[2], distance[3]};
  for (Index q = 0; q < kStates / 2; q += 8) {
    Int8 subset;
    std::memcpy(&subset, kSubsets.data() + q, sizeof(subset));
    const Float8 same = permute8(distances, subset), flipped = permute8(distances, subset ^ 2);
    const Float8 young = load8(cost + q), old = load8(cost + q + kStates / 2);
    const Float8 even_young = young + same, even_old = old + flipped;
    const Float8 odd_young = young + flipped, odd_old = old + same;
    const Int8 even = even_old < even_young, odd = odd_old < odd_young;
    const Float8 even_cost = even ? even_old : even_young, odd_cost = odd ? odd_old : odd_young;
    store8(next + 2 * q, __builtin_shufflevector(even_cost, odd_cost, 0, 8, 1, 9, 2, 10, 3, 11));
    store8(next + 2 * q + 8, __builtin_shufflevector(even_cost, odd_cost, 4, 12, 5, 13, 6, 14, 7, 15));
    const Byte8 low = __builtin_convertvector(__builtin_shufflevector(even, odd, 0, 8, 1, 9, 2, 10, 3, 11), Byte8);
    const Byte8 high = __builtin_convertvector(__builtin_shufflevector(even, odd, 4, 12, 5, 13, 6, 14, 7, 15), Byte8);
    std::memcpy(decision + 2 * q, &low, sizeof(low));
    std::memcpy(decision + 2 * q + 8, &high, sizeof(high));
  }
}

// The first of at most eight consecutive levels that contain the nearest level of each subset:
// every fourth level is in the same subset, so four levels below x and four above x suffice.
LOEWNER_INLINE int first_near(float x, const Levels& levels) {
  int below = 0;  // number of levels below x
  for (int step = levels.count / 2; step > 0; step /= 2) below += levels.values[below + step - 1] < x ? step : 0;
  return std::clamp(below - 4, 0, std::max(levels.count - 8, 0));
}

// Squared distances from the nearest level of each subset.
LOEWNER_INLINE void nearest(float x, const Levels& levels, float* distance, std::uint8_t* high_bits) {
  for (int subset = 0; subset < 4; ++subset) distance[subset] = std::numeric_limits<float>::max();
  const int first = first_near(x, levels);
  for (int j = first; j < std::min(first + 8, levels.count); ++j) {
    const float error = x - levels.values[j], squared = error * error;
    if (squared < distance[j % 4]) {
      distance[j % 4] = squared;
      high_bits[j % 4] = static_cast<std::uint8_t>(j / 4);
    }
  }
}

// From time to time the minimum is subtracted from all costs, so that long vectors lose no digits.
LOEWNER_INLINE void rebase(float* cost) {
  float least = cost[0];
  for (int s = 1; s < kStates; ++s) least = cost[s] < least ? cost[s] : least;
  for (int s = 0; s < kStates; ++s) cost[s] -= least;
}

LOEWNER_INLINE void best_paths_body(const float* x, Index count, int bits, std::uint8_t* decisions,
                                    std::uint8_t* high_bits, float* final_cost) {
  alignas(32) std::array<float, kStates> a, b;
  a.fill(1e30F);
  a[0] = 0;
  float *cost = a.data(), *next = b.data();
  for (Index t = 0; t < count; ++t) {
    std::array<float, 4> distance;
    nearest(x[t], kLevels[bits], distance.data(), high_bits + 4 * t);
    step(cost, distance.data(), next, decisions + kStates * t);
    std::swap(cost, next);
    if (t % 128 == 127) rebase(cost);
  }
  std::copy(cost, cost + kStates, final_cost);
}

// The levels of eight entries at a time, one in each byte of a word. Moves bit i of a byte of a
// plane to byte i:
constexpr std::uint64_t spread(std::uint32_t byte) {
  std::uint64_t word = 0;
  for (int i = 0; i < 8; ++i) word |= static_cast<std::uint64_t>(byte >> i & 1u) << (8 * i);
  return word;
}

// The subsets of the eight windows that end in the bits of one byte of plane 0.
constexpr std::uint64_t subsets(std::uint32_t now, std::uint32_t before) {
  const std::uint32_t bits = before | now << 8;
  std::uint64_t word = 0;
  for (int i = 0; i < 8; ++i) {
    unsigned window = 0;  // the newest bit lowest
    for (int age = 0; age <= 8; ++age) window |= (bits >> (8 + i - age) & 1u) << age;
    word |= static_cast<std::uint64_t>(subset_of(window)) << (8 * i);
  }
  return word;
}

// Parities are linear, so the subsets that a byte and its predecessor give alone are added.
struct PlaneTables {
  std::array<std::uint64_t, 256> spread{}, now{}, before{};
};

constexpr PlaneTables kPlanes = [] {
  PlaneTables tables;
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    tables.spread[byte] = spread(byte);
    tables.now[byte] = subsets(byte, 0);
    tables.before[byte] = subsets(0, byte);
  }
  return tables;
}();

// The values of eight levels. One word has the low bytes of their numbers, another has bit 8. A
// table of eight levels fits into a register. Up to four of them are used; more are slower than
// memory.
template <int kBits>
LOEWNER_INLINE Float8 look_up(std::uint64_t levels, std::uint64_t ninth_bits) {
  const float* const values = kLevels[kBits].values.data();
  if constexpr (kBits <= 4) {
    Byte8 bytes;
    std::memcpy(&bytes, &levels, sizeof(bytes));
    const Int8 level = __builtin_convertvector(bytes, Int8);
    Float8 value = permute8(load8(values), level & 7);
    for (int table = 1; table < (2 << kBits) / 8; ++table) {
      value = (level >> 3) == table ? permute8(load8(values + Index{8} * table), level & 7) : value;
    }
    return value;
  } else {
    const auto at = [&](int i) { return values[(levels >> (8 * i) & 255u) | (ninth_bits >> (8 * i) & 1u) << 8]; };
    return Float8{at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7)};
  }
}

template <int kBits>
LOEWNER_INLINE void decode_planes(const std::uint8_t* planes, float* out, Index count) {
  constexpr int kLowPlanes = std::min(kBits, 7);  // their bits are the low byte of the level
  const Index plane = (count + 7) / 8;
  std::uint8_t before = 0;
  for (Index byte = 0; byte < plane; ++byte) {
    const std::uint8_t now = planes[byte];
    std::uint64_t levels = kPlanes.now[now] ^ kPlanes.before[before];
    for (int i = 1; i < kLowPlanes; ++i) levels |= kPlanes.spread[planes[i * plane + byte]] << (i + 1);
    const std::uint64_t ninth_bits = kBits > kLowPlanes ? kPlanes.spread[planes[kLowPlanes * plane + byte]] : 0;
    before = now;
    const Float8 value = look_up<kBits>(levels, ninth_bits);
    if (8 * byte + 8 <= count) {
      store8(out + 8 * byte, value);
    } else {
      for (Index t = 8 * byte; t < count; ++t) out[t] = value[t % 8];
    }
  }
}

LOEWNER_INLINE void decode_body(const std::uint8_t* planes, int bits, float* out, Index count) {
  switch (bits) {
    case 1:
      return decode_planes<1>(planes, out, count);
    case 2:
      return decode_planes<2>(planes, out, count);
    case 3:
      return decode_planes<3>(planes, out, count);
    case 4:
      return decode_planes<4>(planes, out, count);
    case 5:
      return decode_planes<5>(planes, out, count);
    case 6:
      return decode_planes<6>(planes, out, count);
    case 7:
      return decode_planes<7>(planes, out, count);
    default:
      return decode_planes<8>(planes, out, count);
  }
}

}  // namespace

LOEWNER_DISPATCH(best_paths,
                 (const float* x, Index count, int bits, std::uint8_t* decisions, std::uint8_t* high_bits,
                  float* final_cost),
                 (x, count, bits, decisions, high_bits, final_cost))
LOEWNER_DISPATCH(decode, (const std::uint8_t* planes, int bits, float* out, Index count), (planes, bits, out, count))

}  // namespace detail

TrellisQuantizer::TrellisQuantizer(Index cols, int bits)
    : cols_(cols),
      bits_(bits),
      decisions_(static_cast<std::size_t>(cols * detail::kStates)),
      high_bits_(static_cast<std::size_t>(cols * 4)) {
  require(bits >= 1 && bits <= kMaxCodeBits,
          [&] { return "TrellisQuantizer: bits must be in [1, 8], got " + std::to_string(bits); });
}

void TrellisQuantizer::encode(std::span<const float> x, std::uint8_t* planes) {
  LOEWNER_ASSERT(static_cast<Index>(x.size()) == cols_);
  std::array<float, detail::kStates> cost;
  detail::best_paths(x.data(), cols_, bits_, decisions_.data(), high_bits_.data(), cost.data());
  std::fill_n(planes, bytes(cols_, bits_), std::uint8_t{0});
  const Index plane = (cols_ + 7) / 8;
  auto state = static_cast<unsigned>(std::ranges::min_element(cost) - cost.begin());
  for (Index t = cols_ - 1; t >= 0; --t) {
    const bool old = decisions_[t * detail::kStates + state] != 0;
    const unsigned window = state | (old ? detail::kStates : 0);
    const unsigned symbol = (state & 1u) | static_cast<unsigned>(high_bits_[4 * t + detail::subset_of(window)]) << 1;
    for (int i = 0; i < bits_; ++i) {
      planes[i * plane + t / 8] |= static_cast<std::uint8_t>((symbol >> i & 1u) << (t % 8));
    }
    state = window >> 1;
  }
}

void decode_trellis(const std::uint8_t* planes, int bits, std::span<float> out) {
  LOEWNER_ASSERT(bits >= 1 && bits <= kMaxCodeBits);
  detail::decode(planes, bits, out.data(), static_cast<Index>(out.size()));
}

std::span<const float> trellis_levels(int bits) {
  require(bits >= 1 && bits <= kMaxCodeBits,
          [&] { return "trellis_levels: bits must be in [1, 8], got " + std::to_string(bits); });
  const detail::Levels& levels = detail::kLevels[bits];
  return {levels.values.data(), static_cast<std::size_t>(levels.count)};
}

}  // namespace loewner
