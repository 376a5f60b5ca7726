// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/study.hpp"

#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cmath>

#include "arrays.hpp"
#include "bindings.hpp"
#include "interruptible.hpp"
#include "json_report.hpp"
#include "loewner/base/error.hpp"
#include "loewner/compress/encoded_checkpoint.hpp"
#include "loewner/model/vocabulary.hpp"

namespace loewner::python {
namespace {

using namespace nb::literals;

// Rows of one tensor of a model folder, encoded or not.
class TensorRows {
 public:
  TensorRows(const std::filesystem::path& folder, const std::string& name) {
    const Checkpoint checkpoint = Checkpoint::open(folder);
    if (checkpoint.quantization_method() == kQuantizationMethod) {
      for (auto& tensor : read_encoded_tensors(checkpoint)) {
        if (tensor.name == name) rows_ = std::move(tensor.matrix);
      }
    }
    if (!rows_) rows_ = checkpoint.rows_of(name);
  }

  std::pair<Index, Index> shape() const { return {rows_->rows(), rows_->cols()}; }

  MatrixResult<float> read(Index first, Index count) const {
    require(first >= 0 && count >= 0 && first <= rows_->rows() - count, [&] {
      return "TensorRows.read: rows must be in [0, " + std::to_string(rows_->rows()) + "), got " +
             std::to_string(count) + " rows from row " + std::to_string(first);
    });
    return to_python(interruptible([&] {
      Matrix<float> rows = Matrix<float>::uninitialized(count, rows_->cols()), buffer;
      const auto read = rows_->read_rows(first, count, buffer);
      for (Index i = 0; i < count; ++i) std::ranges::copy(read.row(i), rows.row(i).begin());
      return rows;
    }));
  }

 private:
  std::shared_ptr<const RowSource> rows_;
};

// A tokenizer file may hold bytes that are not UTF-8. These names are only shown to people.
nb::list texts_of(const std::vector<std::string>& tokens) {
  nb::list texts;
  for (const auto& token : tokens) {
    texts.append(nb::steal(PyUnicode_DecodeUTF8(token.data(), static_cast<Py_ssize_t>(token.size()), "replace")));
  }
  return texts;
}

void bind_reading(nb::module_& m) {
  nb::class_<TensorRows>(m, "TensorRows",
                         "A matrix of a model folder, read by blocks of rows and decoded if it is encoded.")
      .def(nb::init<const std::filesystem::path&, const std::string&>(), "folder"_a, "name"_a)
      .def_prop_ro("shape", &TensorRows::shape)
      .def("read", &TensorRows::read, "first"_a, "count"_a, "Rows first, ..., first + count - 1 as float32.");
  nb::enum_<TokenKind>(m, "TokenKind", "The use of a token id.")
      .value("unused", TokenKind::unused, "no text contains it")
      .value("ordinary", TokenKind::ordinary)
      .value("special", TokenKind::special);
  nb::class_<Vocabulary>(m, "Vocabulary", "The tokens of a tokenizer.")
      .def_prop_ro(
          "tokens", [](const Vocabulary& v) { return nb::typed<nb::list, nb::str>(texts_of(v.tokens)); },
          "The spelling of each token id; empty if the file gives none.")
      .def_ro("kinds", &Vocabulary::kinds, "The kind of each token id.");
  m.def(
      "read_vocabulary",
      [](const std::filesystem::path& folder) { return interruptible([&] { return read_vocabulary(folder); }); },
      "folder"_a, "Reads the tokenizer files of a model folder. None if there are none.");
}

void bind_study_class(nb::module_& m) {
  nb::class_<Candidate>(m, "Candidate", "One encoding of a matrix with its predicted size and error.")
      .def_prop_ro("method", [](const Candidate& c) { return std::string(to_string(c.method)); })
      .def_prop_ro(
          "bytes", [](const Candidate& c) { return c.point.bytes; }, "Bytes of the arrays.")
      .def_prop_ro(
          "error", [](const Candidate& c) { return std::sqrt(c.point.error); }, "Relative weighted error.")
      .def_ro("rank", &Candidate::rank)
      .def_ro("bits", &Candidate::bits, "Mean bits of an entry.");
  nb::class_<TensorStudy> study(m, "TensorStudy", "An encoded tensor compared with its original.");
  def_array(study, "squared_norm", &TensorStudy::squared_norm, "||a_i||_2^2 for each row of the original.");
  def_array(study, "squared_error", &TensorStudy::squared_error, "||a_i - b_i||_2^2 for each row.");
  def_array(study, "row_weights", &TensorStudy::row_weights,
            "The row weights of the stored errors; empty if all rows have the same weight.");
  def_array(study, "frequency", &TensorStudy::frequency,
            "Estimated frequency of each row's token; empty unless the tensor is a token embedding.");
  def_array(study, "rank_error", &TensorStudy::rank_error, "||A - A_k||_F / ||A||_F of the original, k = 0, 1, ...");
  study.def_ro("array_bytes", &TensorStudy::array_bytes, "Bytes of the stored arrays, comparable with Candidate.bytes.")
      .def_ro("rank_error_exact", &TensorStudy::rank_error_exact, "False: estimated from a sketch, within about 15 %.")
      .def_ro("candidates", &TensorStudy::offers, "Encodings by every method, under the row weights.")
      .def_ro("notes", &TensorStudy::notes, "What is unknown, and why.");
}

void bind_study_functions(nb::module_& m) {
  m.def(
      "claimed_report",
      [](const std::filesystem::path& output, const std::optional<std::filesystem::path>& model) {
        return to_python(interruptible([&] {
          const Checkpoint encoded = Checkpoint::open(output);
          if (!model) return to_json(claimed_report(encoded, nullptr));
          const Checkpoint original = Checkpoint::open(*model);
          return to_json(claimed_report(encoded, &original));
        }));
      },
      "output"_a, "model"_a = nb::none(),
      "The report that an encoded folder stores about itself, as JSON data, with the sizes of its files. Sizes before "
      "encoding are those of `model`, or zero without one.");
  m.def(
      "study_tensor",
      [](const std::filesystem::path& output, const std::filesystem::path& model, const std::string& name,
         const std::optional<std::filesystem::path>& row_weights) {
        return interruptible([&] {
          return study_tensor(Checkpoint::open(output), Checkpoint::open(model), name, row_weights.value_or(""));
        });
      },
      "output"_a, "model"_a, "name"_a, "row_weights"_a = nb::none(), "Compares one encoded tensor with its original.");
}

}  // namespace

void bind_study(nb::module_& m) {
  bind_reading(m);
  bind_study_class(m);
  bind_study_functions(m);
}

}  // namespace loewner::python
