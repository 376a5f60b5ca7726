// SPDX-License-Identifier: Apache-2.0
#include "loewner/compress/compress_session.hpp"

#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/function.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/variant.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>
#include <variant>

#include "arrays.hpp"
#include "bindings.hpp"
#include "compress_options.hpp"
#include "interruptible.hpp"
#include "json_report.hpp"
#include "loewner/model/moments_file.hpp"
#include "report_text.hpp"

namespace loewner::python {
namespace {

namespace nb = nanobind;
using namespace nb::literals;

// Second moments are rounded to float32, in which they take half the memory.
using MomentsArg = std::variant<MatrixArg<float>, MatrixArg<double>>;
using OptionalMatrix = std::optional<MomentsArg>;

struct TensorOfSession {
  std::string name, role;
  Index rows = 0, cols = 0;
  std::optional<std::string> inputs;
  std::vector<std::string> tied;
  bool done = false;
};

// A session that Python can close.
class Session {
 public:
  Session(const CompressOptions& options, const std::string& work)
      : session_(interruptible([&] { return std::make_unique<CompressSession>(options, work); })) {}

  CompressSession& operator*() {
    require(session_ != nullptr, [] { return std::string("CompressSession: the session is closed"); });
    return *session_;
  }

  // A call that a signal stops keeps the parts, as compress() does.
  template <typename Work>
  auto run(Work&& work) {
    return interruptible([&] {
      try {
        return work(**this);
      } catch (const Cancelled&) {
        session_->keep_parts();
        throw;
      }
    });
  }

  void print(const CompressReport& report) { table_ = text_of(report, session_->is_dry_run()); }
  const std::string& table() const { return table_; }

  void close(bool keeps_parts) {
    if (session_ == nullptr) return;
    const nb::gil_scoped_release release;
    if (keeps_parts) session_->keep_parts();
    session_.reset();
  }

 private:
  std::unique_ptr<CompressSession> session_;
  std::string table_;
};

Matrix<double> copy_of(const MomentsArg& moments) {
  return std::visit(
      [](const auto& array) {
        const auto view = view_of(array);
        Matrix<double> copy = Matrix<double>::uninitialized(view.rows(), view.cols());
        for (Index i = 0; i < view.rows(); ++i) std::ranges::copy(view.row(i), copy.row(i).begin());
        return copy;
      },
      moments);
}

std::optional<InputMoments> moments_of(const OptionalMatrix& second, const OptionalMatrix& cross, double correction) {
  if (!second) return std::nullopt;
  InputMoments moments{.second = copy_of(*second), .correction = correction};
  if (cross) moments.cross = copy_of(*cross);
  return moments;
}

const InputMoments* pointer_to(const std::optional<InputMoments>& moments) {
  return moments ? &*moments : nullptr;
}

std::optional<std::string> text_of(const std::optional<InputSide>& inputs) {
  if (!inputs) return std::nullopt;
  return *inputs == InputSide::rows ? "rows" : "cols";
}

std::vector<TensorOfSession> tensors_of(Session& session) {
  std::vector<TensorOfSession> tensors;
  for (const auto& tensor : (*session).tensors()) {
    tensors.push_back({.name = tensor.name(),
                       .role = std::string(to_string(tensor.place.role)),
                       .rows = tensor.rows(),
                       .cols = tensor.cols(),
                       .inputs = text_of(tensor.inputs()),
                       .tied = tensor.tied,
                       .done = (*session).is_done(tensors.size())});
  }
  return tensors;
}

std::vector<std::pair<Index, double>> curve_of(Session& session, std::size_t tensor) {
  std::vector<std::pair<Index, double>> curve;
  for (const auto& candidate : (*session).candidates(tensor)) {
    curve.emplace_back(candidate.point.bytes, candidate.point.error);
  }
  return curve;
}

std::optional<MatrixResult<float>> encode(Session& session, std::size_t tensor, const OptionalMatrix& second,
                                          const OptionalMatrix& cross, double correction) {
  const auto moments = moments_of(second, cross, correction);
  auto decoded = session.run([&](CompressSession& running) -> std::optional<Matrix<float>> {
    if (!running.is_done(tensor)) {
      if (running.is_copied(tensor)) return std::nullopt;
      const auto stored = moments ? std::nullopt : running.stored_moments(tensor);
      running.encode(tensor, pointer_to(moments ? moments : stored));
      if (running.is_copied(tensor)) return std::nullopt;
    }
    return running.decoded(tensor);
  });
  if (!decoded) return std::nullopt;
  return to_python(std::move(*decoded));
}

nb::tuple try_encoding(Session& session, std::size_t tensor, Index bytes, const OptionalMatrix& second,
                       const OptionalMatrix& cross, double correction) {
  const auto moments = moments_of(second, cross, correction);
  TriedEncoding tried =
      session.run([&](CompressSession& running) { return running.try_encoding(tensor, bytes, pointer_to(moments)); });
  return nb::make_tuple(to_python(std::move(tried.decoded)), tried.bytes);
}

Report finish(Session& session, const nb::object& claims, const nb::object& of_tensors,
              const std::vector<std::string>& notes, const ProgressCallback& progress) {
  const Json calibration = json_of(claims), records = json_of(of_tensors);
  std::map<std::string, Json> by_name;
  for (const auto& [name, record] : records.items()) by_name[name] = record;
  auto report = session.run([&](CompressSession& running) { return running.finish(calibration, by_name, progress); });
  report.notes.insert(report.notes.begin(), notes.begin(), notes.end());
  session.print(report);
  session.close(false);
  return to_python(to_json(report));
}

using KeptMoments = std::tuple<MatrixResult<double>, std::optional<MatrixResult<double>>, double, std::int64_t>;

std::optional<KeptMoments> kept_moments(Session& session, std::size_t tensor, MomentsUse use) {
  auto kept = session.run([&](CompressSession& running) { return running.kept_moments(tensor, use); });
  if (!kept) return std::nullopt;
  std::optional<MatrixResult<double>> cross;
  if (kept->cross.rows() > 0) cross = to_python(std::move(kept->cross));
  return KeptMoments{to_python(std::move(kept->second)), std::move(cross), kept->correction, kept->tokens};
}

void keep_moments(Session& session, std::size_t tensor, MomentsUse use, const MomentsArg& second,
                  const OptionalMatrix& cross, double correction, std::int64_t tokens,
                  std::optional<std::size_t> same_as) {
  auto moments = moments_of(second, cross, correction);
  moments->tokens = tokens;
  session.run([&](CompressSession& running) { running.keep_moments(tensor, use, *moments, same_as); });
}

void bind_moments_of_session(nb::class_<Session>& session) {
  session
      .def("keep_moments", &keep_moments, "tensor"_a, "use"_a, "second"_a, nb::kw_only(), "cross"_a = nb::none(),
           "correction"_a = 0.0, "tokens"_a, "same_as"_a = nb::none(),
           "Keeps moments, rounded to float32, for `save_moments` and for a session that resumes this one. `same_as`: "
           "a tensor whose moments of this use are kept already; only the correction is taken then.")
      .def("kept_moments", &kept_moments, "tensor"_a, "use"_a,
           "(second, cross or None, correction, tokens) of keep_moments(), here or in an earlier run, or None.")
      .def(
          "keep_importance",
          [](Session& self, const std::map<std::size_t, double>& importance, const nb::object& record) {
            const KeptImportance kept{.of_tensors = importance, .record = json_of(record)};
            self.run([&](CompressSession& running) { running.keep_importance(kept); });
          },
          "importance"_a, "record"_a, "Keeps the importance of the plan like moments, and JSON data of the caller.")
      .def(
          "kept_importance",
          [](Session& self) -> std::optional<std::pair<std::map<std::size_t, double>, nb::object>> {
            const auto kept = self.run([](CompressSession& running) { return running.kept_importance(); });
            if (!kept) return std::nullopt;
            return std::pair{kept->of_tensors, to_python(kept->record)};
          },
          "(importance, record) of keep_importance(), here or in an earlier run, or None.");
}

// A moments file of layers in one model, all in memory.
void bind_moments_file(nb::module_& m) {
  m.def(
      "write_moments_file",
      [](const std::filesystem::path& path, const std::string& model,
         const std::map<std::string, std::pair<MatrixArg<float>, std::int64_t>>& inputs,
         const std::map<std::string, std::string>& layers, const std::map<std::string, double>& importance,
         const std::vector<std::int64_t>& token_counts) {
        std::map<std::string, MomentsArrays> arrays;
        for (const auto& [name, moments] : inputs) {
          const auto rows = std::make_shared<DenseRows>(view_of(moments.first));
          arrays[name] = {.second = rows, .cross = nullptr, .tokens = moments.second};
        }
        MomentsDescription description{.model = model, .tokens = {}, .layers = {}, .importance = importance};
        for (const auto& [layer, name] : layers) description.layers[layer].inputs = name;
        interruptible([&] { write_moments_file(path, arrays, std::move(description), token_counts); });
      },
      "path"_a, "model"_a, "inputs"_a, "layers"_a, "importance"_a, "token_counts"_a = std::vector<std::int64_t>{},
      "Writes a moments file without corrections (docs/moments.md). `model`: the fingerprint. `inputs`: (second "
      "moment, "
      "tokens) by name. `layers`: the name in `inputs` for each layer's tensor.");
}

// Leaving the `with` block without finish(): an error removes the parts; otherwise, and after Ctrl-C, they stay.
void leave(Session& session, const nb::object& type) {
  session.close(type.is_none() || PyObject_IsSubclass(type.ptr(), PyExc_Exception) != 1);
}

void bind_parts_of_session(nb::module_& m) {
  nb::enum_<MomentsUse>(m, "MomentsUse", "What moments of a layer's inputs are for.")
      .value("plan", MomentsUse::plan, "the bytes of the layer")
      .value("code", MomentsUse::code, "its encoding");
  nb::class_<TensorOfSession>(m, "SessionTensor", "A selected tensor of a CompressSession.")
      .def_ro("name", &TensorOfSession::name)
      .def_ro("role", &TensorOfSession::role)
      .def_ro("rows", &TensorOfSession::rows)
      .def_ro("cols", &TensorOfSession::cols)
      .def_ro("inputs", &TensorOfSession::inputs,
              "The side of the matrix that multiplies the layer's inputs, 'cols' or 'rows'; None if it is no linear "
              "layer.")
      .def_ro("tied", &TensorOfSession::tied, "Its stored copies, which the output leaves out.")
      .def_ro("done", &TensorOfSession::done, "Whether an earlier run encoded it.");
  nb::class_<PlannedTensor>(m, "PlannedTensor", "What CompressSession.plan decides for a tensor.")
      .def_ro("copied", &PlannedTensor::is_copied, "No encoding is smaller than the tensor.")
      .def_ro("bytes", &PlannedTensor::max_bytes, "Of the arrays; None with `max_error`, or if the tensor is copied.")
      .def_ro("error", &PlannedTensor::predicted_error, "Predicted relative squared error; None without candidates.");
}

}  // namespace

void bind_compress_session(nb::module_& m) {
  bind_parts_of_session(m);
  bind_moments_file(m);
  nb::class_<Session> session(m, "CompressSession",
                              "loewner.compress in steps: survey, plan, encode each tensor in any order, finish.\n\n"
                              "Tensors are named by their number in `tensors`. `second` and `cross` are moments of a "
                              "layer's inputs, d x d; without `second` an encoding is blind to them. Threads may call "
                              "survey, trial, encode and decoded at the same time.");
  const auto open = function_of_options<std::string>(
      [](const CompressOptions& options, const std::string& text) { return std::make_unique<Session>(options, text); });
  with_option_names([&](const auto&... arguments) { session.def(nb::new_(open), arguments...); }, "text"_a = "");
  session
      .def_prop_ro(
          "model_fingerprint", [](Session& self) { return (*self).model_fingerprint(); },
          "Hash of the model, as moments files name it.")
      .def_prop_ro(
          "complete", [](Session& self) { return (*self).is_complete(); },
          "Whether an earlier run finished the output: only finish() is left to call.")
      .def_prop_ro(
          "dry_run", [](Session& self) { return (*self).is_dry_run(); },
          "Whether nothing is written: encode() is refused, and finish() predicts.")
      .def_prop_ro("tensors", &tensors_of)
      .def(
          "survey",
          [](Session& self, std::size_t tensor, const OptionalMatrix& second) {
            const auto moments = moments_of(second, std::nullopt, 0);
            self.run([&](CompressSession& running) { running.survey(tensor, pointer_to(moments)); });
          },
          "tensor"_a, "second"_a = nb::none(),
          "Computes and keeps the candidates of a tensor; the moments are not kept.")
      .def("candidates", &curve_of, "tensor"_a,
           "Bytes of the arrays and relative squared error of each candidate, of the outputs if surveyed with moments.")
      .def(
          "plan",
          [](Session& self, const std::map<std::size_t, double>& importance) {
            return self.run([&](CompressSession& running) { return running.plan(importance); });
          },
          "importance"_a = std::map<std::size_t, double>{},
          "Divides the budget over the candidates; may be called again. `importance` is the weight of a tensor's "
          "relative squared error, its number of entries if it is not given.")
      .def("trial", &try_encoding, "tensor"_a, "bytes"_a, "second"_a = nb::none(), nb::kw_only(),
           "cross"_a = nb::none(), "correction"_a = 0.0, "The matrix and the bytes of an encoding that is not kept.")
      .def("encode", &encode, "tensor"_a, "second"_a = nb::none(), nb::kw_only(), "cross"_a = nb::none(),
           "correction"_a = 0.0,
           "Encodes a tensor as planned, unless an earlier run did, and returns the decoded matrix; None if it is "
           "copied, "
           "because no encoding meets its budget. Without `second` it takes the moments of the option `moments`, if "
           "there are any.")
      .def(
          "decoded",
          [](Session& self, std::size_t tensor) {
            return to_python(self.run([&](CompressSession& running) { return running.decoded(tensor); }));
          },
          "tensor"_a, "The matrix of an encoded tensor.")
      .def("finish", &finish, "claims"_a = nb::none(), nb::kw_only(), "of_tensors"_a = nb::none(),
           "notes"_a = std::vector<std::string>{}, "progress"_a = nb::none(),
           "Publishes the output; returns the report of loewner.compress. `claims`, and `of_tensors` by the tensor's "
           "name, are JSON data that become fields `calibration` of the report and of config.json. `notes` join those "
           "of "
           "the report.")
      .def_prop_ro(
          "table", [](const Session& self) { return text_to_python(self.table()); },
          "What the command line prints of the report; empty before finish().")
      .def(
          "__enter__", [](nb::handle_t<Session> self) { return nb::object(nb::borrow(self)); },
          nb::sig("def __enter__(self) -> CompressSession"))
      .def(
          "__exit__",
          [](Session& self, const nb::object& type, const nb::object&, const nb::object&) { leave(self, type); },
          "type"_a.none(), "value"_a.none(), "traceback"_a.none());
  bind_moments_of_session(session);
}

}  // namespace loewner::python
