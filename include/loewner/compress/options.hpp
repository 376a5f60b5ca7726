// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "loewner/base/number_format.hpp"
#include "loewner/plan/method.hpp"

namespace loewner {

/// Which tensors are made smaller, before --include and --exclude are applied.
enum class Selection { embeddings, linear, all };

/// What happens when the output folder, or an unfinished one beside it, is already there.
enum class IfExists { refuse, resume, overwrite };

/// Everything that decides what `compress` writes. One struct serves C++, the command line and Python, so defaults
/// cannot diverge.
struct CompressOptions {
  std::filesystem::path model{};   ///< folder with config.json and safetensors
  std::filesystem::path output{};  ///< folder to be made; its parent must exist

  Selection selection = Selection::embeddings;
  std::vector<std::string> include{};  ///< regular expressions on tensor names: add what they match
  std::vector<std::string> exclude{};  ///< and these take away again

  // How much; exactly one. All bytes are those of files, metadata included.
  std::optional<double> keep{};          ///< bytes of the selected tensors after / before, in (0, 1)
  std::optional<double> bits{};          ///< mean bits per weight of the selected tensors
  std::optional<std::int64_t> budget{};  ///< bytes of all weight files of the output
  std::optional<double> max_error{};  ///< largest relative weighted Frobenius error of each selected tensor, in (0, 1)

  Method method = Method::automatic;
  MethodOptions method_options{};    ///< of single methods, by name (plan/method.hpp)
  double norm_exponent = 1.5;        ///< p >= 1 of l_p factorizations and of the reported l_p errors
  std::string row_weights = "zipf";  ///< zipf[:EXPONENT], none, or a file of token counts; for token embeddings only
  NumberFormat factor_format = NumberFormat::f32;

  std::uint64_t seed = 0;       ///< of every random choice
  std::int64_t max_memory = 0;  ///< bytes of resident memory to stay below; 0: half of the machine's
  bool dry_run = false;         ///< plan and predict only; nothing is written
  IfExists if_exists = IfExists::refuse;
};

}  // namespace loewner
