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
#include "loewner/base/byte_size.hpp"
#include "loewner/compress/expand.hpp"
#include "loewner/compress/pipeline.hpp"
#include "loewner/compress/refit.hpp"
#include "loewner/compress/verify.hpp"

namespace loewner::python {
namespace {

namespace nb = nanobind;
using namespace nb::literals;

void bind_choices(nb::module_& m) {
  nb::enum_<Selection>(m, "Selection", "The tensors to encode, before `include` and `exclude` apply.")
      .value("embeddings", Selection::embeddings, "token embeddings")
      .value("linear", Selection::linear, "linear layers and heads")
      .value("all", Selection::all, "token embeddings, linear layers and heads");
  nb::enum_<Method>(m, "Method", "How a matrix is encoded.")
      .value("auto", Method::automatic, "for each matrix the method with the lowest weighted error at its size")
      .value("svd", Method::svd, "row-weighted truncated SVD")
      .value("lp", Method::lp, "truncated l_p factorization")
      .value("subspaces", Method::subspaces, "projective clustering: clusters of rows, one subspace for each")
      .value("codes", Method::codes, "vector quantization of rotated rows, 0 to 8 bits an entry")
      .value("coded_svd", Method::coded_svd, "quantized coordinates along the principal directions")
      .value("archetypes", Method::archetypes, "convex mixtures of archetypes plus a quantized residual")
      .value("int8", Method::int8, "8-bit integers, one scale for each row")
      .value("int4", Method::int4, "4-bit integers, one scale for each 64 entries")
      .value("dense", Method::dense, "the matrix itself in a shorter number format");
  nb::enum_<NumberFormat>(m, "NumberFormat", "The number format of stored factors.")
      .value("f32", NumberFormat::f32)
      .value("f16", NumberFormat::f16)
      .value("bf16", NumberFormat::bf16);
  nb::enum_<IfExists>(m, "IfExists", "What to do if the output folder exists.")
      .value("refuse", IfExists::refuse, "raise IoError")
      .value("resume", IfExists::resume, "continue an interrupted run; raise IoError if the output is complete")
      .value("overwrite", IfExists::overwrite, "replace the output");
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
      "The report of loewner.compress as JSON data.");
}

void bind_output_functions(nb::module_& m) {
  m.def(
      "verify",
      [](const std::filesystem::path& output, const std::filesystem::path& model, const ProgressCallback& progress) {
        return to_python(interruptible([&] { return to_json(verify(output, model, progress)); }));
      },
      "output"_a, "model"_a, nb::kw_only(), "progress"_a = nb::none(), "The report of loewner.verify as JSON data.");
  m.def(
      "expand",
      [](const std::filesystem::path& model, const std::filesystem::path& output, IfExists if_exists,
         const ProgressCallback& progress) { interruptible([&] { expand(model, output, if_exists, progress); }); },
      "model"_a, "output"_a, nb::kw_only(), "if_exists"_a = IfExists::refuse, "progress"_a = nb::none(),
      "See loewner.expand.");
  m.def("parse_byte_size", &parse_byte_size, "name"_a, "text"_a,
        "Reads a size such as '1.5GB' as a number of bytes. The error message begins with `name`.");
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

// The last step of `loewner refit`. The fit itself runs the model, so it is in Python.
void bind_store_refit(nb::module_& m) {
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
      "output"_a, "model"_a, "target"_a, "factors"_a, "if_exists"_a = IfExists::refuse,
      "Writes `target`: the encoded folder `output` with these factors (tensor, array, values, record) in place of "
      "its own. Returns the report of these tensors as JSON data.");
}

}  // namespace

void bind_compress(nb::module_& m) {
  bind_choices(m);
  bind_compress_function(m);
  bind_output_functions(m);
  bind_store_refit(m);
}

}  // namespace loewner::python
