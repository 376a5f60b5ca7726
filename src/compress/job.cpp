// SPDX-License-Identifier: Apache-2.0
#include "compress/job.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "detail/hash.hpp"
#include "loewner/base/error.hpp"
#include "loewner/compress/staged_folder.hpp"
#include "loewner/linalg/gram.hpp"

namespace loewner {
namespace {

std::string options_text(const CompressOptions& options, const SelectionResult& selection,
                         const std::vector<Method>& methods) {
  Json text = {{"keep", options.keep.value_or(0)},
               {"max_error", options.max_error.value_or(0)},
               {"norm_exponent", options.norm_exponent},
               {"row_weights", options.row_weights},
               {"factor_format", to_string(options.factor_format)},
               {"seed", options.seed},
               {"version", LOEWNER_VERSION}};
  for (std::size_t i = 0; i < methods.size(); ++i) {
    text["tensors"].push_back({selection.tensors[i].name(), static_cast<int>(methods[i])});
  }
  return text.dump();
}

std::string fingerprint_of(const Checkpoint& checkpoint, const std::string& options) {
  detail::Hash64 hash;
  hash.add(checkpoint.fingerprint());
  hash.add(options);
  std::array<char, 17> hex{};
  std::snprintf(hex.data(), hex.size(), "%016llx", static_cast<unsigned long long>(hash.value()));
  return hex.data();
}

// automatic leaves lp out where memory has room for the SVD only.
Method affordable_method(const CompressOptions& options, Index cols) {
  const bool svd_only =
      options.method == Method::automatic && solver_bytes(Method::automatic, cols) > memory_limit(options);
  return svd_only ? Method::svd : options.method;
}

}  // namespace

void require_usable(const CompressOptions& options) {
  require(options.keep.has_value() != options.max_error.has_value(),
          [] { return std::string("exactly one of keep and max_error is needed"); });
  const auto require_fraction = [](const std::optional<double>& value, const std::string& name) {
    require(!value || (*value > 0 && *value < 1),
            [&] { return name + " must be above 0 and below 1, got " + std::to_string(*value); });
  };
  require_fraction(options.keep, "keep");
  require_fraction(options.max_error, "max_error");
  require(options.norm_exponent >= 1 && std::isfinite(options.norm_exponent),
          [&] { return "norm_exponent must be finite and at least 1, got " + std::to_string(options.norm_exponent); });
  require(options.max_memory >= 0,
          [&] { return "max_memory must not be negative, got " + std::to_string(options.max_memory); });
  require(options.dry_run || !options.output.empty(), [] { return std::string("an output folder is needed"); });
  if (!options.dry_run) require_apart(options.model, options.output);
}

Index memory_limit(const CompressOptions& options) {
  if (options.max_memory > 0) return options.max_memory;
  return static_cast<Index>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGE_SIZE) / 2;
}

Index solver_bytes(Method method, Index cols) {
  // Counts of d x d float64 matrices, measured at d = 2048 and 4096 (bench/experiments/large_checkpoint.py): the Gram
  // matrix's lanes, then the eigenproblem with its workspace and the bases; the Lewis weights' matrices besides.
  const Index matrix = cols * cols * Index{sizeof(double)}, lanes = gram_bytes(cols);
  const Index solver = method == Method::svd ? std::max(lanes, 3 * matrix) + 2 * matrix : lanes + 9 * matrix;
  return solver + (Index{1} << 27);  // row blocks and program
}

Job::Job(const CompressOptions& compress_options)
    : options(compress_options), checkpoint(Checkpoint::open(compress_options.model)) {
  const std::string quantised = checkpoint.quantization_method();
  if (!quantised.empty()) {
    throw IoError(options.model.string() + ": is quantised already (quant_method '" + quantised +
                  "'); start from the original");
  }
  std::vector<TensorDeclaration> declarations;
  for (const auto& tensor : checkpoint.tensors()) declarations.push_back(*tensor.info);
  architecture = analyse_architecture(checkpoint.config(), declarations);
  selection = select_tensors(checkpoint, architecture, options);
  if (!checkpoint.unread_weights().empty()) {
    selection.notes.push_back(std::to_string(checkpoint.unread_weights().size()) +
                              " weight files of other formats are not copied: they hold the original model");
  }
  for (const auto& tensor : selection.tensors) {
    methods.push_back(affordable_method(options, tensor.cols()));
    if (methods.back() != options.method) {
      selection.notes.push_back(tensor.name() + ": svd only, lp needs about " +
                                std::to_string(solver_bytes(Method::lp, tensor.cols()) >> 20) + " MiB of memory");
    }
  }
  fingerprint = fingerprint_of(checkpoint, options_text(options, selection, methods));
}

}  // namespace loewner
