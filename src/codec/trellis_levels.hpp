// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "loewner/codec/trellis_quantizer.hpp"

namespace loewner::detail {

// The 2^b positive levels for b = 1 ... 8 bits; they are part of the format. Trained by Lloyd's
// algorithm along the best paths of Gaussian vectors (tools/train_trellis_levels.py).
inline constexpr std::array<float, 510> kPositiveLevels = {
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

inline constexpr std::array<Levels, kMaxCodeBits + 1> kLevels = {Levels(1), Levels(1), Levels(2), Levels(3), Levels(4),
                                                                 Levels(5), Levels(6), Levels(7), Levels(8)};

// The largest level in steps of ByteLevels, for b = 1 ... 8 bits: where the levels, weighted by how often a Gaussian
// vector takes them, are nearest to whole steps. From 3 bits on, 127 would leave 1.2 to 4 times the squared error.
inline constexpr std::array<float, kMaxCodeBits> kLargestInSteps = {63.001F, 102.97F, 125.28F, 113.14F,
                                                                    120.79F, 122.82F, 154.79F, 169.28F};

/// The levels of b bits in whole steps, at most 127 of them, plus 128: one byte for each.
struct ByteLevels {
  std::array<std::uint8_t, 512> values{};
  float step = 0;

  explicit constexpr ByteLevels(int bits) : step(kLevels[bits].values[(2 << bits) - 1] / kLargestInSteps[bits - 1]) {
    for (int j = 0; j < 2 << bits; ++j) {
      const int steps = static_cast<int>(kLevels[bits].values[j] / step + 256.5F) - 256;
      values[j] = static_cast<std::uint8_t>(128 + (steps > 127 ? 127 : steps < -127 ? -127 : steps));
    }
  }
};

inline constexpr std::array<ByteLevels, kMaxCodeBits + 1> kByteLevels = {ByteLevels(1), ByteLevels(1), ByteLevels(2),
                                                                         ByteLevels(3), ByteLevels(4), ByteLevels(5),
                                                                         ByteLevels(6), ByteLevels(7), ByteLevels(8)};

}  // namespace loewner::detail
