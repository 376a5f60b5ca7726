// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "loewner/compress/encoded_checkpoint.hpp"
#include "loewner/compress/verify.hpp"

// The field `checksums` of an output's quantization_config (docs/format.md).

namespace loewner::detail {

/// The checksum of a tensor whose arrays are those of the file: of their bytes in the order of their names.
///
/// Cost      one pass over the file.
std::string hash_of_arrays(const SafetensorsFile& file);

/// Puts checksums into `config`, the configuration of an output whose other files are written.
/// `weights` has the hashes of the weight files by name.
///
/// Cost      one pass over the encoded arrays and over the files other than weights.
void state_checksums(const Checkpoint& output, const std::vector<EncodedTensor>& tensors,
                     const std::map<std::string, std::string>& weights, Json& config);

/// Compares the checksums of an output with its files. Those of tensors fail in report.tensors, which
/// has an entry for each of `tensors`. An output of an old version has none, which is a note.
///
/// Cost      one pass over all files.
/// Errors    IoError when a file cannot be read or the field has the wrong type.
void check_checksums(const Checkpoint& output, const std::vector<EncodedTensor>& tensors, VerifyReport& report);

}  // namespace loewner::detail
