// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/expand.hpp"

#include <set>

#include "compress/output_config.hpp"
#include "compress/replaceable.hpp"
#include "linalg/blas_memory.hpp"
#include "loewner/base/error.hpp"
#include "loewner/compress/encoded_checkpoint.hpp"
#include "loewner/compress/rewrite.hpp"
#include "loewner/compress/staged_folder.hpp"

namespace loewner {
namespace {

StoredArray dense_array(const std::string& name, const std::shared_ptr<const EncodedMatrix>& matrix, DType dtype,
                        const std::vector<Index>& shape) {
  StoredArray array = stored_as(name, matrix, dtype);
  array.shape = shape;
  return array;
}

// The dense tensor and its stored copies take the place of the first array; the other arrays are removed.
Replacements dense_replacements(std::vector<EncodedTensor> tensors, const Checkpoint& checkpoint) {
  std::set<std::string> names;
  for (const auto& tensor : tensors) names.insert(tensor.name);
  Replacements replacements;
  for (auto& tensor : tensors) {
    const DType dtype = source_dtype(tensor);
    const std::shared_ptr<const EncodedMatrix> matrix = std::move(tensor.matrix);
    for (const auto& array : tensor.array_names) replacements[array] = {};
    auto& dense = replacements[tensor.array_names.front()];
    dense.push_back(dense_array(tensor.name, matrix, dtype, tensor.shape));
    for (const auto& name : tied_names(tensor)) {
      if (checkpoint.find(name) == nullptr && names.insert(name).second)
        dense.push_back(dense_array(name, matrix, dtype, tensor.shape));
    }
  }
  return replacements;
}

}  // namespace

void expand(const std::filesystem::path& model, const std::filesystem::path& output, IfExists if_exists,
            const ProgressCallback& progress) {
  require_apart(model, output);
  blas::reserve_memory();
  const Checkpoint checkpoint = Checkpoint::open(model);
  const Replacements replacements = dense_replacements(read_encoded_tensors(checkpoint), checkpoint);
  StagedFolder staged(output, "expand", if_exists);
  rewrite_weights(checkpoint, replacements, staged.folder(), progress, detail::kMetadataOfExpanded);
  copy_files(checkpoint, all_other_files(checkpoint), detail::names_in_dense(checkpoint), staged.folder());
  const Json config = detail::dense_config(checkpoint);
  if (!config.empty()) detail::write_config(checkpoint, config, staged.folder());  // a static model has none
  staged.publish();
  if (progress) progress("done", 1);
}

}  // namespace loewner
