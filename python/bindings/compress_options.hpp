// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "loewner/compress/options.hpp"

// The keywords of compress() and of CompressSession.
namespace loewner::python {

namespace nb = nanobind;

/// Options of single methods. None stands for a missing option; an unknown one is a TypeError.
MethodOptions method_options_of(const nb::kwargs& arguments);

/// A Python function of all options and of further arguments: work(options, last...).
template <typename... Last, typename Work>
auto function_of_options(Work work) {
  return [work](const std::filesystem::path& model, const std::filesystem::path& output, std::optional<double> keep,
                std::optional<double> bits, std::optional<std::int64_t> budget, std::optional<double> max_error,
                Selection selection, std::vector<std::string> include, std::vector<std::string> exclude, Method method,
                double norm_exponent, const std::filesystem::path& row_weights, NumberFormat factor_format,
                std::uint64_t seed, std::int64_t max_memory, bool dry_run, IfExists if_exists, bool copy_all,
                const std::filesystem::path& moments, const std::filesystem::path& save_moments,
                std::vector<std::int64_t> token_counts, const Last&... last, const nb::kwargs& method_options) {
    return work(CompressOptions{.model = model,
                                .output = output,
                                .selection = selection,
                                .include = std::move(include),
                                .exclude = std::move(exclude),
                                .keep = keep,
                                .bits = bits,
                                .budget = budget,
                                .max_error = max_error,
                                .method = method,
                                .method_options = method_options_of(method_options),
                                .norm_exponent = norm_exponent,
                                .row_weights = row_weights.string(),
                                .factor_format = factor_format,
                                .moments = moments,
                                .save_moments = save_moments,
                                .token_counts = std::move(token_counts),
                                .seed = seed,
                                .max_memory = max_memory,
                                .dry_run = dry_run,
                                .if_exists = if_exists,
                                .copy_all = copy_all},
                last...);
  };
}

/// Calls define(arguments...) with the names and defaults of the parameters of function_of_options().
template <typename Define, typename... Last>
void with_option_names(Define&& define, const Last&... last) {
  using namespace nb::literals;
  const CompressOptions defaults;
  define("model"_a, "output"_a, nb::kw_only(), "keep"_a = nb::none(), "bits"_a = nb::none(), "budget"_a = nb::none(),
         "max_error"_a = nb::none(), "selection"_a = defaults.selection, "include"_a = defaults.include,
         "exclude"_a = defaults.exclude, "method"_a = defaults.method, "norm_exponent"_a = defaults.norm_exponent,
         "row_weights"_a = std::filesystem::path(defaults.row_weights), "factor_format"_a = defaults.factor_format,
         "seed"_a = defaults.seed, "max_memory"_a = defaults.max_memory, "dry_run"_a = defaults.dry_run,
         "if_exists"_a = defaults.if_exists, "copy_all"_a = defaults.copy_all, "moments"_a = std::string{},
         "save_moments"_a = std::string{}, "token_counts"_a = defaults.token_counts, last...,
         // nanobind prints the name of a kwargs argument unchanged, so this adds a type
         "method_options: int | str | None"_a);
}

}  // namespace loewner::python
