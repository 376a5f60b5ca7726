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

/// The tensors to encode, before `include` and `exclude` are applied.
enum class Selection { embeddings, linear, all };

/// What to do if the output folder, or an unfinished one beside it, already exists.
enum class IfExists { refuse, resume, overwrite };

/// The options of compress(). C++, the command line and Python share this struct and its defaults.
struct CompressOptions {
  std::filesystem::path model{};   ///< folder with config.json and safetensors
  std::filesystem::path output{};  ///< new folder; its parent must exist

  Selection selection = Selection::embeddings;
  std::vector<std::string> include{};  ///< regular expressions: add tensors whose name matches
  std::vector<std::string> exclude{};  ///< regular expressions: remove tensors whose name matches

  // The size; exactly one of these. Bytes include the metadata of the files.
  std::optional<double> keep{};          ///< bytes of selected tensors after / before, in (0, 1)
  std::optional<double> bits{};          ///< mean bits per weight of the selected tensors
  std::optional<std::int64_t> budget{};  ///< bytes of all weight files of the output
  std::optional<double> max_error{};     ///< largest relative weighted error of a tensor, in (0, 1)

  Method method = Method::automatic;
  MethodOptions method_options{};    ///< of single methods, by name (plan/method.hpp)
  double norm_exponent = 1.5;        ///< p >= 1 of l_p factorizations and reported l_p errors
  std::string row_weights = "zipf";  ///< zipf[:EXPONENT], none, or a file of token counts
  NumberFormat factor_format = NumberFormat::f32;

  /// Moments of the inputs of linear layers, and sensitivities of the channels of tables
  /// (model/moments_file.hpp). Their codes then minimize the errors of the layers' outputs and of
  /// the model's. Empty: none.
  std::filesystem::path moments{};

  /// Moments file that CompressSession::finish() writes of the moments that the session was given
  /// to keep. Empty: none.
  std::filesystem::path save_moments{};

  /// Counts of a calibration text's tokens, by id. They join the estimate of row weights `zipf`, as
  /// those of the moments file do. Empty: none.
  std::vector<std::int64_t> token_counts{};

  std::uint64_t seed = 0;       ///< random seed
  std::int64_t max_memory = 0;  ///< limit of resident memory in bytes; 0: half of the machine's
  bool dry_run = false;         ///< plan and predict only; nothing is written
  IfExists if_exists = IfExists::refuse;
  bool copy_all = false;  ///< copy Checkpoint::unread_weights() too
};

}  // namespace loewner
