// SPDX-License-Identifier: Apache-2.0
// Blocks along a vector, by registers of its planes. The bytes of all planes that belong to the same eight entries are
// brought together; as a matrix of bits times the columns of the identity, they become the numbers of eight levels.

// Where the bytes of a plane go, so that interleave_planes() brings those of block i to part i; or, if a part has the
// numbers of two blocks, to part i / 2.
struct alignas(64) PlaceOfBytes {
  std::uint8_t from[64];
};

constexpr PlaceOfBytes place_of_bytes(int planes) {
  PlaceOfBytes place{};
  for (int at = 0; at < 64; ++at) {
    const int lane = at / 16, part = planes <= 4 ? at % 16 / 4 * 2 + at % 2 : at % 16 / 2;
    const int half = planes <= 4 ? at % 4 / 2 : at % 2;
    place.from[at] = static_cast<std::uint8_t>(8 * part + 2 * lane + half);
  }
  return place;
}

template <int kPlanes>
constexpr PlaceOfBytes kPlaceOfBytes = place_of_bytes(kPlanes);

// Words of as many bytes as planes, rounded up to 4 or 8, in 4 or 8 parts; the bytes of the first plane are the last.
// Planes beyond kPlanes repeat others.
template <int kPlanes>
inline void interleave_planes(const Bytes* planes, Bytes* parts) {
  constexpr int kWordBytes = kPlanes <= 4 ? 4 : 8, kLastPair = (kPlanes - 1) / 2;
  Bytes pairs[kWordBytes / 2][2];
#pragma GCC unroll 4
  for (int i = 0; i < kWordBytes / 2; ++i) {
    const int first = 2 * std::min(i, kLastPair), second = std::min(first + 1, kPlanes - 1);
    pairs[i][0] = low8(planes[second], planes[first]);
    pairs[i][1] = high8(planes[second], planes[first]);
  }
  Bytes fours[kWordBytes / 4][4];
#pragma GCC unroll 2
  for (int i = 0; i < kWordBytes / 4; ++i) {
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
      fours[i][2 * half] = low16(pairs[2 * i + 1][half], pairs[2 * i][half]);
      fours[i][2 * half + 1] = high16(pairs[2 * i + 1][half], pairs[2 * i][half]);
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    if constexpr (kWordBytes == 4) {
      parts[i] = fours[0][i];
    } else {
      parts[2 * i] = low32(fours[1][i], fours[0][i]);
      parts[2 * i + 1] = high32(fours[1][i], fours[0][i]);
    }
  }
}

// The levels of kBlocksAtOnce blocks from block `first` on; entries past the last have any level.
template <int kBits>
inline void levels_along(const CodedVector& vector, Index plane_bytes, Index first, Bytes* levels) {
  constexpr int kPlanes = kBits < 7 ? kBits + 1 : 8;
  const std::uint8_t* const plane0 = vector.planes + 8 * first;
  const Index bytes = plane_bytes - 8 * first;
  const __mmask64 in_plane = bytes >= 64 ? ~__mmask64{0} : (__mmask64{1} << bytes) - 1;
  const Bytes now = _mm512_maskz_loadu_epi8(in_plane, plane0);
  const Bytes before = _mm512_mask_loadu_epi8(_mm512_zextsi128_si512(_mm_cvtsi32_si128(vector.before)),
                                              first == 0 ? in_plane & ~__mmask64{1} : in_plane, plane0 - 1);
  Bytes planes[kPlanes] = {low_parities(now, before), high_parities(now, before)};
  fetch_ahead(vector, plane0);
#pragma GCC unroll 8
  for (int i = 2; i < kPlanes; ++i) {
    const std::uint8_t* const plane = plane0 + (i - 1) * plane_bytes;
    planes[i] = _mm512_maskz_loadu_epi8(in_plane, plane);
    fetch_ahead(vector, plane);
  }
#pragma GCC unroll 8
  for (Bytes& plane : planes) plane = _mm512_permutexvar_epi8(load(kPlaceOfBytes<kPlanes>.from), plane);
  std::uint64_t bit8[kBlocksAtOnce] = {};
  if constexpr (kBits == 8) _mm512_storeu_si512(bit8, _mm512_maskz_loadu_epi8(in_plane, plane0 + 7 * plane_bytes));
  Bytes parts[kPlanes <= 4 ? 4 : 8];
  interleave_planes<kPlanes>(planes, parts);
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) {
    if constexpr (kPlanes <= 4) {
      // Two numbers in each byte, those of the first four bytes high. The table ignores the other.
      const Bytes numbers = multiply_bits(parts[i / 2], all_words(kColumns));
      levels[i] = look_up<kBits>(i % 2 == 0 ? _mm512_srli_epi16(numbers, 4) : numbers, 0, vector.levels);
    } else {
      levels[i] = look_up<kBits>(multiply_bits(parts[i], all_words(kColumns)), bit8[i], vector.levels);
    }
  }
}

template <int kBits>
inline void decode_along(const CodedVector& vector, Index plane_bytes, Index first, Index size, std::uint8_t* levels) {
  Bytes x[kBlocksAtOnce];
  levels_along<kBits>(vector, plane_bytes, first, x);
#pragma GCC unroll 8
  for (Index i = 0; i < kBlocksAtOnce; ++i) {
    if (i < size) store(levels + 64 * i, x[i]);
  }
}

template <int kBits>
inline std::int32_t product_along(const CodedVector& vector, Index entries, const std::uint8_t* token) {
  constexpr Index kChains = 4;  // a sum waits for the one before it
  Sums sums[kChains] = {no_sums(), no_sums(), no_sums(), no_sums()};
  for (Index entry = 0; entry < entries; entry += kTokenEntries) {
    Bytes x[kBlocksAtOnce];
    levels_along<kBits>(vector, (entries + 7) / 8, entry / kBlockEntries, x);
#pragma GCC unroll 8
    for (Index i = 0; i < kBlocksAtOnce; ++i) {
      sums[i % kChains] = add_products(sums[i % kChains], x[i], load(token + entry + 64 * i));
    }
  }
  return total(
      _mm512_add_epi32(_mm512_add_epi32(sums[0], sums[1]), _mm512_add_epi32(sums[2], sums[3])));
}
