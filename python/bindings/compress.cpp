// SPDX-License-Identifier: Apache-2.0
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/function.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>

#include "arrays.hpp"
#include "bindings.hpp"
#include "compress_options.hpp"
#include "interruptible.hpp"
#include "json_report.hpp"
#include "loewner/base/byte_size.hpp"
#include "loewner/base/hash64.hpp"
#include "loewner/compress/expand.hpp"
#include "loewner/compress/pipeline.hpp"
#include "loewner/compress/refit.hpp"
#include "loewner/compress/verify.hpp"
#include "loewner/model/row_weights.hpp"

namespace loewner::python {
namespace {

namespace nb = nanobind;
using namespace nb::literals;

std::string sentence_of(std::string_view description) {
  std::string sentence = std::string(description) + ".";
  sentence[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(sentence[0])));
  return sentence;
}

void bind_choices(nb::module_& m) {
  nb::enum_<Selection>(m, "Selection", "The tensors that `compress` encodes, before `include` and `exclude` apply.")
      .value("embeddings", Selection::embeddings, "Token embeddings.")
      .value("linear", Selection::linear, "Linear layers and heads.")
      .value("all", Selection::all, "Token embeddings, linear layers and heads.");
  nb::enum_<Method> methods(m, "Method", "How `compress` encodes a matrix.");
  for (const Method method : all_methods()) {
    std::string name(to_string(method));
    std::ranges::replace(name, '-', '_');
    methods.value(name.c_str(), method, sentence_of(info_of(method).description).c_str());
  }
  m.def(
      "weighs_outputs", [](Method method) { return info_of(method).weighs_outputs; }, "method"_a,
      "Whether a method minimizes the error of a layer's outputs if the moments of its inputs are known.");
  m.def(
      "weighs_channels", [](Method method) { return info_of(method).weighs_channels; }, "method"_a,
      "Whether a method minimizes the error in a metric of a table's channels.");
  m.def(
      "token_frequencies",
      [](const std::filesystem::path& folder, Index rows) {
        return row_weights({.kind = RowWeightKind::zipf, .counts_file = {}}, folder, rows).values;
      },
      "folder"_a, "rows"_a,
      "Frequencies of the tokens of a model, relative to the largest, as its tokenizer lets estimate them; empty if it "
      "cannot be read.");
  nb::enum_<NumberFormat>(m, "NumberFormat", "The number format of stored factors.")
      .value("f32", NumberFormat::f32, "float32, 4 bytes a number.")
      .value("f16", NumberFormat::f16, "float16, 2 bytes: 11 significant bits.")
      .value("bf16", NumberFormat::bf16, "bfloat16, 2 bytes: 8 significant bits and the range of float32.");
  nb::enum_<IfExists>(m, "IfExists", "What to do if the output exists.")
      .value("refuse", IfExists::refuse, "Raise IoError.")
      .value("resume", IfExists::resume, "Continue an interrupted run; raise IoError if the output is complete.")
      .value("overwrite", IfExists::overwrite, "Replace an output of loewner or an empty folder.");
}

void bind_compress_function(nb::module_& m) {
  const auto function =
      function_of_options<ProgressCallback>([](const CompressOptions& options, const ProgressCallback& progress) {
        return to_python(interruptible([&] { return to_json(compress(options, progress)); }));
      });
  const auto define = [&](const auto&... arguments) {
    m.def("compress", function, arguments..., "The report of loewner.compress as JSON data.");
  };
  with_option_names(define, "progress"_a = nb::none());
}

void bind_output_functions(nb::module_& m) {
  m.def(
      "hash64",
      [](const std::vector<VectorArg<std::uint8_t>>& arrays) {
        Hash64 hash;
        for (const auto& array : arrays) hash.add(std::as_bytes(view_of(array)));
        return hash.hex();
      },
      "arrays"_a, "The checksum of docs/format.md over the bytes of arrays, one after another.");
  m.def(
      "verify",
      [](const std::filesystem::path& output, const std::optional<std::filesystem::path>& model,
         const std::optional<std::filesystem::path>& row_weights, const std::optional<std::filesystem::path>& moments,
         const ProgressCallback& progress) {
        const VerifyFiles files{.row_weights = row_weights.value_or(""), .moments = moments.value_or("")};
        return to_python(interruptible([&] { return to_json(verify(output, model, progress, files)); }));
      },
      "output"_a, "model"_a = nb::none(), nb::kw_only(), "row_weights"_a = nb::none(), "moments"_a = nb::none(),
      "progress"_a = nb::none(), "The report of loewner.verify as JSON data.");
  m.def(
      "expand",
      [](const std::filesystem::path& model, const std::filesystem::path& output, IfExists if_exists,
         const ProgressCallback& progress) { interruptible([&] { expand(model, output, if_exists, progress); }); },
      "model"_a, "output"_a, nb::kw_only(), "if_exists"_a = IfExists::refuse, "progress"_a = nb::none(),
      "See loewner.expand.");
  m.def("parse_byte_size", &parse_byte_size, "name"_a, "text"_a,
        "Reads a size such as '1.5GB' as a number of bytes. The error message begins with `name`.");
}

// (tensor, array, values, record)
using Factor = std::tuple<std::string, std::string, MatrixArg<float>, nb::dict>;

RefittedFactor factor_of(const Factor& factor) {
  const auto& [tensor, array, values, record] = factor;
  const auto view = view_of(values);
  Matrix<float> copy = Matrix<float>::uninitialized(view.rows(), view.cols());
  for (Index i = 0; i < view.rows(); ++i) std::ranges::copy(view.row(i), copy.row(i).begin());
  return {tensor, array, std::move(copy), json_of(record)};
}

// The last step of `loewner refit`. The fit itself runs the model, so it is in Python.
void bind_store_refit(nb::module_& m) {
  m.def(
      "store_refit",
      [](const std::filesystem::path& output, const std::filesystem::path& model, const std::filesystem::path& target,
         const std::vector<Factor>& factors, IfExists if_exists,
         const std::optional<std::filesystem::path>& row_weights) {
        std::vector<RefittedFactor> refitted;
        for (const auto& factor : factors) refitted.push_back(factor_of(factor));
        return to_python(interruptible([&] {
          CompressReport report;
          report.tensors =
              store_refit(output, model, target, std::move(refitted), if_exists, {}, row_weights.value_or(""));
          return to_json(report);
        }));
      },
      "output"_a, "model"_a, "target"_a, "factors"_a, "if_exists"_a = IfExists::refuse, "row_weights"_a = nb::none(),
      "Writes `target`: the encoded folder `output` with these factors (tensor, array, values, record) in place of "
      "its own. Returns the report of these tensors as JSON data.");
}

}  // namespace

// A number, or a word of an option that has words.
Index method_option_of(const MethodOption& option, nb::handle value) {
  const std::string name(option.name);
  Index number = 0;
  if (nb::try_cast(value, number)) return number;
  std::string word, words;
  for (const auto& one : option.words) words += (words.empty() ? "'" : " or '") + std::string(one) + "'";
  if (!nb::try_cast(value, word) || words.empty()) {
    throw nb::type_error(("compress(): " + name + " must be " + (words.empty() ? "an int" : words)).c_str());
  }
  const auto found = number_of(option, word);
  if (!found) throw nb::value_error(("compress(): " + name + " must be " + words + ", got '" + word + "'").c_str());
  return *found;
}

MethodOptions method_options_of(const nb::kwargs& arguments) {
  MethodOptions options;
  for (const auto& [key, value] : arguments) {
    const auto name = nb::cast<std::string>(key);
    const MethodOption* const option = find_method_option(name);
    if (option == nullptr) {
      throw nb::type_error(("compress() got an unexpected keyword argument '" + name + "'").c_str());
    }
    if (!value.is_none()) options[name] = method_option_of(*option, value);
  }
  return options;
}

void bind_compress(nb::module_& m) {
  bind_choices(m);
  bind_compress_function(m);
  bind_output_functions(m);
  bind_store_refit(m);
}

}  // namespace loewner::python
