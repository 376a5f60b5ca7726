// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "codec/entropy_tables.hpp"
#include "codec/trellis_paths.hpp"

// What encoder and decoder of entropy codes agree on (docs/format.md).
namespace loewner::detail {

/// Standard deviations and steps are powers of 2^(1/4).
inline constexpr int kScalesOfOctave = 4, kMostStep = 255;

/// The class of an entry is its row's scale less its column's. Entries of class 0 and below are zero
/// and not stored. Those of class t >= 1 have a standard deviation of about 2^((t - 4) / 4) steps.
inline constexpr int kMostClass = 60;
inline constexpr int kClassOfStep = 4;  // of a standard deviation of one step

struct SymbolTable {
  std::uint16_t starts[kEntropySymbols] = {}, frequencies[kEntropySymbols] = {};
};

constexpr SymbolTable symbol_table(const std::uint16_t (&frequencies)[kEntropySymbols]) {
  SymbolTable table;
  std::uint32_t start = 0;
  for (int s = 0; s < kEntropySymbols; ++s) {
    table.starts[s] = static_cast<std::uint16_t>(start);
    table.frequencies[s] = frequencies[s];
    start += frequencies[s];
  }
  return table;
}

inline constexpr auto kMagnitudeTables = [] {
  std::array<std::array<SymbolTable, 2>, kEntropyTables> tables;
  for (int j = 0; j < kEntropyTables; ++j) {
    for (int odd = 0; odd < 2; ++odd) tables[j][odd] = symbol_table(kFrequencies[j][odd]);
  }
  return tables;
}();

/// The table of how a row's step and scale differ from those of the row before it.
inline constexpr SymbolTable kChangeTable =
    symbol_table({820, 656, 525, 420, 336, 269, 215, 172, 138, 110, 88, 70, 56, 45, 36, 140});
inline constexpr int kBitsOfHeader = 8, kBitsOfEscapedChange = 9;

/// The numbers before the entries of a row.
struct EntropyRowHeader {
  std::uint8_t step = 0, scale = 0;
};

/// The stored length of a stream.
inline constexpr Index kBytesOfLength = 2;

/// The symbol of the last kind: longer numbers.
inline constexpr int kEscape = kEntropySymbols - 1, kBitsOfLength = 4;

struct ClassTable {
  int table = 0;     ///< of kMagnitudeTables
  int low_bits = 0;  ///< of a magnitude, stored as they are
};

/// The tables of the classes from 1 to kMostClass.
inline constexpr auto kTablesOfClasses = [] {
  constexpr int kFirstWide = kEntropyTables - kScalesOfOctave + 1;  // 16: wider entries share the last four tables
  std::array<ClassTable, kMostClass + 1> tables;
  for (int t = 1; t < kFirstWide; ++t) tables[t] = {t - 1, 0};
  for (int t = kFirstWide; t <= kMostClass; ++t) {
    const int above = t - kFirstWide;
    tables[t] = {kFirstWide - 1 + above % kScalesOfOctave, 1 + above / kScalesOfOctave};
  }
  return tables;
}();

/// The state of a row: the newest eight bits of its path. Magnitudes are of odd levels in half of
/// the states; the bit that an entry adds is its parity, flipped in half of the states.
struct TrellisState {
  std::uint8_t odd = 0;
  std::uint8_t next[2] = {};  ///< by the parity of the magnitude
};

inline constexpr auto kTrellis = [] {
  std::array<TrellisState, kTrellisStates> states;
  for (unsigned state = 0; state < kTrellisStates; ++state) {
    const int subset = subset_of(2 * state);  // if the new bit is 0
    states[state].odd = subset % 2;
    for (unsigned parity = 0; parity < 2; ++parity) {
      states[state].next[parity] = static_cast<std::uint8_t>(2 * state + (parity ^ static_cast<unsigned>(subset / 2)));
    }
  }
  return states;
}();

/// The level of a magnitude, in steps.
constexpr int level_of(int magnitude, int odd) {
  return std::max(2 * magnitude - odd, 0);
}

/// The step 2^(exponent + code / 4). Four values have a rounded significand, so all processors
/// compute the same numbers.
inline float step_value(int code, int exponent) {
  constexpr std::array<float, kScalesOfOctave> kSignificands = {1.0F, 1.18920712F, 1.41421356F, 1.68179283F};
  return std::ldexp(kSignificands[code % kScalesOfOctave], exponent + code / kScalesOfOctave);
}

}  // namespace loewner::detail
