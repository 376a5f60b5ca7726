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

// The rows of a tensor of a folder, whether it is encoded there or not.
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
      return "rows must be in [0, " + std::to_string(rows_->rows()) + "), got " + std::to_string(count) + " from " +
             std::to_string(first);
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

// Files may spell a token in bytes that are no UTF-8; names are for people.
nb::list texts_of(const std::vector<std::string>& tokens) {
  nb::list texts;
  for (const auto& token : tokens) {
    texts.append(nb::steal(PyUnicode_DecodeUTF8(token.data(), static_cast<Py_ssize_t>(token.size()), "replace")));
  }
  return texts;
}

void bind_reading(nb::module_& m) {
  nb::class_<TensorRows>(m, "TensorRows", "A matrix of a model folder, decoded where it is encoded, by blocks of rows.")
      .def(nb::init<const std::filesystem::path&, const std::string&>(), "folder"_a, "name"_a)
      .def_prop_ro("shape", &TensorRows::shape)
      .def("read", &TensorRows::read, "first"_a, "count"_a, "count x d, float32");
  nb::enum_<TokenKind>(m, "TokenKind", "How a token id is used.")
      .value("unused", TokenKind::unused)
      .value("ordinary", TokenKind::ordinary)
      .value("special", TokenKind::special);
  nb::class_<Vocabulary>(m, "Vocabulary", "What a tokenizer file says of its tokens.")
      .def_prop_ro(
          "tokens", [](const Vocabulary& v) { return nb::typed<nb::list, nb::str>(texts_of(v.tokens)); },
          "by token id, as the file spells them; empty where it names none")
      .def_ro("kinds", &Vocabulary::kinds, "by token id");
  m.def(
      "read_vocabulary",
      [](const std::filesystem::path& folder) { return interruptible([&] { return read_vocabulary(folder); }); },
      "folder"_a, "Of a model folder, from its tokenizer's files; None where there is none.");
}

void bind_study_class(nb::module_& m) {
  nb::class_<Candidate>(m, "Offer", "One way to store a matrix, as predicted.")
      .def_prop_ro("method", [](const Candidate& c) { return std::string(to_string(c.method)); })
      .def_prop_ro(
          "bytes", [](const Candidate& c) { return c.point.bytes; }, "of its arrays")
      .def_prop_ro(
          "error", [](const Candidate& c) { return std::sqrt(c.point.error); }, "relative, weighted")
      .def_ro("rank", &Candidate::rank)
      .def_ro("bits", &Candidate::bits, "mean bits of an entry");
  nb::class_<TensorStudy> study(m, "TensorStudy", "An encoded tensor held against its original.");
  def_array(study, "squared_norm", &TensorStudy::squared_norm, "||a_i||_2^2, by row of the original");
  def_array(study, "squared_error", &TensorStudy::squared_error, "||a_i - b_i||_2^2, by row");
  def_array(study, "row_weights", &TensorStudy::row_weights, "those of the claims; empty: every row counts the same");
  def_array(study, "frequency", &TensorStudy::frequency, "of a token embedding: estimated, by row; else empty");
  def_array(study, "rank_error", &TensorStudy::rank_error, "||A - A_k||_F / ||A||_F of the original, k = 0, 1, ...");
  study.def_ro("array_bytes", &TensorStudy::array_bytes, "data of the stored arrays, as offers count them")
      .def_ro("rank_error_exact", &TensorStudy::rank_error_exact, "False: from a sketch, within some 15 %")
      .def_ro("offers", &TensorStudy::offers, "of every method, under the row weights")
      .def_ro("notes", &TensorStudy::notes, "what could not be found out, and why");
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
      "What a compressed folder says of itself, as the report of compress, with the bytes of its files; those before "
      "are\nof `model`, zero without one.");
  m.def(
      "study_tensor",
      [](const std::filesystem::path& output, const std::filesystem::path& model, const std::string& name) {
        return interruptible([&] { return study_tensor(Checkpoint::open(output), Checkpoint::open(model), name); });
      },
      "output"_a, "model"_a, "name"_a, "Holds one encoded tensor against its original.");
}

}  // namespace

void bind_study(nb::module_& m) {
  bind_reading(m);
  bind_study_class(m);
  bind_study_functions(m);
}

}  // namespace loewner::python
