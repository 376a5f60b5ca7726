// SPDX-License-Identifier: Apache-2.0
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/function.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>

#include "arrays.hpp"
#include "bindings.hpp"
#include "interruptible.hpp"
#include "json_report.hpp"
#include "loewner/compress/expand.hpp"
#include "loewner/compress/pipeline.hpp"
#include "loewner/compress/refit.hpp"
#include "loewner/compress/verify.hpp"

namespace loewner::python {
namespace {

namespace nb = nanobind;
using namespace nb::literals;

void bind_choices(nb::module_& m) {
  nb::enum_<Selection>(m, "Selection", "Which tensors are made smaller, before include and exclude.")
      .value("embeddings", Selection::embeddings)
      .value("linear", Selection::linear)
      .value("all", Selection::all);
  nb::enum_<Method>(m, "Method", "How a matrix is factored.")
      .value("automatic", Method::automatic, "whichever leaves the lowest weighted error in the same bytes")
      .value("svd", Method::svd, "row-weighted truncated SVD")
      .value("lp", Method::lp, "truncated l_p factorisation")
      .value("subspaces", Method::subspaces, "rows in clusters, each with a subspace of its own")
      .value("codes", Method::codes, "rotated rows in 0 ... 8 bits an entry")
      .value("coded_svd", Method::coded_svd, "codes of coordinates along the principal directions")
      .value("archetypes", Method::archetypes, "convex mixtures of archetypes, and codes of what is left")
      .value("int8", Method::int8, "plain rounding, one scale a row")
      .value("int4", Method::int4, "plain rounding in groups of 64")
      .value("dense", Method::dense, "the matrix itself in a shorter number format");
  nb::enum_<NumberFormat>(m, "NumberFormat", "The formats in which factors are stored.")
      .value("f32", NumberFormat::f32)
      .value("f16", NumberFormat::f16)
      .value("bf16", NumberFormat::bf16);
  nb::enum_<IfExists>(m, "IfExists", "What happens when the output folder is already there.")
      .value("refuse", IfExists::refuse)
      .value("resume", IfExists::resume)
      .value("overwrite", IfExists::overwrite);
}

void bind_compress_function(nb::module_& m) {
  const CompressOptions defaults;
  m.def(
      "compress",
      [](const std::filesystem::path& model, const std::filesystem::path& output, std::optional<double> keep,
         std::optional<double> bits, std::optional<std::int64_t> budget, std::optional<double> max_error,
         Selection selection, std::vector<std::string> include, std::vector<std::string> exclude, Method method,
         std::optional<std::int64_t> num_subspaces, std::optional<std::int64_t> num_archetypes,
         std::int64_t archetypes_per_row, double norm_exponent, const std::string& row_weights,
         NumberFormat factor_format, std::uint64_t seed, std::int64_t max_memory, bool dry_run, IfExists if_exists,
         const ProgressCallback& progress) {
        const CompressOptions options{.model = model,
                                      .output = output,
                                      .selection = selection,
                                      .include = std::move(include),
                                      .exclude = std::move(exclude),
                                      .keep = keep,
                                      .bits = bits,
                                      .budget = budget,
                                      .max_error = max_error,
                                      .method = method,
                                      .num_subspaces = num_subspaces,
                                      .num_archetypes = num_archetypes,
                                      .archetypes_per_row = archetypes_per_row,
                                      .norm_exponent = norm_exponent,
                                      .row_weights = row_weights,
                                      .factor_format = factor_format,
                                      .seed = seed,
                                      .max_memory = max_memory,
                                      .dry_run = dry_run,
                                      .if_exists = if_exists};
        return to_python(interruptible([&] { return to_json(compress(options, progress)); }));
      },
      "model"_a, "output"_a, nb::kw_only(), "keep"_a = nb::none(), "bits"_a = nb::none(), "budget"_a = nb::none(),
      "max_error"_a = nb::none(), "selection"_a = defaults.selection, "include"_a = defaults.include,
      "exclude"_a = defaults.exclude, "method"_a = defaults.method, "num_subspaces"_a = nb::none(),
      "num_archetypes"_a = nb::none(), "archetypes_per_row"_a = defaults.archetypes_per_row,
      "norm_exponent"_a = defaults.norm_exponent, "row_weights"_a = defaults.row_weights,
      "factor_format"_a = defaults.factor_format, "seed"_a = defaults.seed, "max_memory"_a = defaults.max_memory,
      "dry_run"_a = defaults.dry_run, "if_exists"_a = defaults.if_exists, "progress"_a = nb::none(),
      "Makes a checkpoint smaller: writes folder `output` from folder `model` and returns the report "
      "(docs/report.md).\n\n"
      "How much, exactly one: keep, bytes of the selected tensors after / before, in (0, 1); bits, their mean bits per "
      "weight; budget, bytes of all weights of the output; max_error, the largest relative weighted error of each.\n"
      "progress: called with what is worked on and the share done, in [0, 1].");
}

void bind_output_functions(nb::module_& m) {
  m.def(
      "verify",
      [](const std::filesystem::path& output, const std::filesystem::path& model, const ProgressCallback& progress) {
        return to_python(interruptible([&] { return to_json(verify(output, model, progress)); }));
      },
      "output"_a, "model"_a, nb::kw_only(), "progress"_a = nb::none(),
      "Recomputes what a compressed folder claims, against the original model, and returns the report.");
  m.def(
      "expand",
      [](const std::filesystem::path& model, const std::filesystem::path& output, IfExists if_exists,
         const ProgressCallback& progress) { interruptible([&] { expand(model, output, if_exists, progress); }); },
      "model"_a, "output"_a, nb::kw_only(), "if_exists"_a = IfExists::refuse, "progress"_a = nb::none(),
      "Writes a compressed folder as an ordinary dense checkpoint, for tools that know nothing of the format.");
}

Json from_python(const nb::handle& value) {
  return Json::parse(nb::cast<std::string>(nb::module_::import_("json").attr("dumps")(value)));
}

// (tensor, array, values, record)
using Factor = std::tuple<std::string, std::string, MatrixArg<float>, nb::dict>;

RefittedFactor factor_of(const Factor& factor) {
  const auto& [tensor, array, values, record] = factor;
  const auto view = view_of(values);
  Matrix<float> copy = Matrix<float>::uninitialized(view.rows(), view.cols());
  for (Index i = 0; i < view.rows(); ++i) std::ranges::copy(view.row(i), copy.row(i).begin());
  return {tensor, array, std::move(copy), from_python(record)};
}

// What `loewner refit` ends with; the fit itself needs the model's layers, so it is Python's.
void bindstore_refit(nb::module_& m) {
  m.def(
      "store_refit",
      [](const std::filesystem::path& output, const std::filesystem::path& model, const std::filesystem::path& target,
         const std::vector<Factor>& factors, IfExists if_exists) {
        std::vector<RefittedFactor> refitted;
        for (const auto& factor : factors) refitted.push_back(factor_of(factor));
        return to_python(interruptible([&] {
          CompressReport report;
          report.tensors = store_refit(output, model, target, std::move(refitted), if_exists);
          return to_json(report);
        }));
      },
      "output"_a, "model"_a, "target"_a, "factors"_a, "if_exists"_a = IfExists::refuse);
}

}  // namespace

void bind_compress(nb::module_& m) {
  bind_choices(m);
  bind_compress_function(m);
  bind_output_functions(m);
  bindstore_refit(m);
}

}  // namespace loewner::python
