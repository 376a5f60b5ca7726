// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "loewner/model/checkpoint.hpp"
#include "loewner/model/input_moments.hpp"

namespace loewner {

/// The inputs of a layer, and how much of the errors of earlier layers its encoding corrects.
struct LayerInputs {
  std::string inputs;     ///< name of the moments; layers with the same inputs share them
  double correction = 0;  ///< InputMoments::correction

  /// Name of the moments by which the layer's bytes are planned: those of the original model, known
  /// before any layer is encoded. Empty: `inputs`.
  std::string planned_by{};
};

/// What a moments file says beside its arrays.
struct MomentsDescription {
  std::string model;                           ///< Checkpoint::fingerprint(), 16 hexadecimal digits
  std::map<std::string, std::int64_t> tokens;  ///< of the moments, by their name
  std::map<std::string, LayerInputs> layers;   ///< by the name of their tensor
  std::map<std::string, double> importance;    ///< of tensors, for CompressSession::plan()
};

/// The arrays of a moments file with one name, in memory or in another file.
struct MomentsArrays {
  std::shared_ptr<const RowSource> second;  ///< d x d
  std::shared_ptr<const RowSource> cross;   ///< d x d; null without a correction
  std::int64_t tokens = 0;
};

/// A safetensors file with the moments of the inputs of a model's linear layers, and with the
/// sensitivities of its tables in the place of moments (docs/moments.md).
class MomentsFile {
 public:
  /// Opens a file and checks everything but the numbers in its arrays.
  ///
  /// Cost      reads the header.
  /// Errors    IoError, naming the file and the field or array, when a rule of docs/moments.md is
  ///           broken.
  static MomentsFile open(const std::filesystem::path& path);

  const MomentsDescription& description() const { return description_; }

  /// Checks that the file was made for a model.
  ///
  /// Errors    IoError when the model has another fingerprint, lacks a tensor, or has a layer with
  ///           another number of inputs.
  void require_made_for(const Checkpoint& model) const;

  /// The moments of a layer.
  ///
  /// Shapes    result: d x d for d inputs.
  /// Cost      reads one or two arrays.
  /// Errors    IoError, naming the file and the array, on a non-finite entry, and when the second
  ///           moment is not symmetric or exceeds what its diagonal allows; InvalidArgument for a
  ///           layer that is not in the file.
  InputMoments read(const std::string& layer) const;

  /// The moments by which a layer's bytes are planned; no correction.
  ///
  /// Shapes    as read().
  /// Cost      reads one array.
  /// Errors    as read().
  InputMoments read_for_plan(const std::string& layer) const;

  /// The arrays of one of the names in MomentsDescription::tokens, read when they are used.
  ///
  /// Errors    InvalidArgument for another name.
  MomentsArrays arrays(const std::string& inputs) const;

  /// The counts of the text's tokens; empty without.
  ///
  /// Shapes    result: one for each token.
  /// Method    reads the array at once.
  /// Cost      that of its bytes.
  /// Accuracy  exact.
  /// Errors    IoError, naming the file and the array, on a negative count.
  std::vector<std::int64_t> token_counts() const;

  /// A 64-bit hash of all bytes.
  ///
  /// Cost      reads the file.
  /// Errors    IoError when the file cannot be read.
  std::uint64_t hash() const;

 private:
  MomentsFile(std::shared_ptr<const SafetensorsFile> file, MomentsDescription description)
      : file_(std::move(file)), description_(std::move(description)) {}
  const LayerInputs& inputs_of(const std::string& layer) const;
  InputMoments read_second(const std::string& inputs) const;
  Matrix<double> read_array(const std::string& name) const;

  std::shared_ptr<const SafetensorsFile> file_;
  MomentsDescription description_;
};

/// Moments in memory, rounded to float32.
///
/// Errors    none.
MomentsArrays arrays_of(const InputMoments& moments);

/// Replaces a moments file: after a failure the old one is still there.
///
/// Shapes    moments: by name, those that the layers of the description name; their tokens replace
///           those of the description. token_counts: of the text; empty for none.
/// Method    SafetensorsWriter, row by row, into another file of the same folder, which is renamed.
/// Cost      one pass over the arrays; memory for one row.
/// Accuracy  moments are rounded to float32.
/// Random    none.
/// Errors    IoError when the file cannot be written.
void write_moments_file(const std::filesystem::path& path, const std::map<std::string, MomentsArrays>& moments,
                        MomentsDescription description, const std::vector<std::int64_t>& token_counts = {});

}  // namespace loewner
