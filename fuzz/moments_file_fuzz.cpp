// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <unistd.h>

#include "loewner/base/error.hpp"
#include "loewner/model/moments_file.hpp"

namespace {

using namespace loewner;

constexpr Index kMostInputs = 256;

// The moments of each layer are finite and symmetric, or IoError says why they are not.
void require_moments(const MomentsFile& file) {
  for (const auto& [name, layer] : file.description().layers) {
    const InputMoments moments = file.read(name);
    for (Index i = 0; i < moments.inputs(); ++i) {
      for (Index j = 0; j < i; ++j) {
        const double value = moments.second(i, j);
        if (!std::isfinite(value) || value != moments.second(j, i)) std::abort();
      }
    }
    if (layer.correction > 0 && moments.cross.rows() != moments.inputs()) std::abort();
  }
}

}  // namespace

// Input: a whole file.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::filesystem::path kPath =
      std::filesystem::temp_directory_path() / ("loewner_moments_fuzz_" + std::to_string(getpid()));
  if (size > sizeof(float) * kMostInputs * kMostInputs) return 0;
  std::ofstream(kPath, std::ios::binary | std::ios::trunc)
      .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  try {
    require_moments(MomentsFile::open(kPath));
  } catch (const IoError&) {
  }
  std::filesystem::remove(kPath);
  return 0;
}
