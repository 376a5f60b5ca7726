// SPDX-License-Identifier: Apache-2.0
#include <nanobind/nanobind.h>

#include <exception>
#include <initializer_list>
#include <string>

#include "bindings.hpp"
#include "loewner/base/error.hpp"
#include "results.hpp"

namespace nb = nanobind;
namespace python = loewner::python;

namespace {

// Binds a submodule. Its classes and functions call themselves loewner.NAME.x, where the package exports them.
void bind_room(nb::module_& m, const char* name, std::initializer_list<void (*)(nb::module_&)> parts) {
  nb::module_ room = m.def_submodule(name);
  room.attr("__name__") = nb::str((std::string("loewner.") + name).c_str());
  for (const auto bind : parts) bind(room);
  python::document_attributes(room);
}

// Messages may have file names that are not UTF-8.
void set_error(PyObject* type, const char* message) {
  const nb::object text = nb::steal(PyUnicode_DecodeFSDefault(message));
  if (text.is_valid()) PyErr_SetObject(type, text.ptr());
}

void translate(const std::exception_ptr& exception, void* io_error) {
  try {
    std::rethrow_exception(exception);
  } catch (const loewner::IoError& error) {
    set_error(static_cast<PyObject*>(io_error), error.what());
  } catch (const loewner::InvalidArgument& error) {
    set_error(PyExc_ValueError, error.what());
  }
}

}  // namespace

// InvalidArgument is a std::invalid_argument, which nanobind makes a ValueError.
NB_MODULE(_core, m) {
  m.doc() = "The C++ core of loewner.";
  m.def(
      "version", [] { return LOEWNER_VERSION; }, "The version of the package and of its command line.");
  nb::object io_error = nb::exception<loewner::IoError>(m, "IoError", PyExc_OSError);
  io_error.doc() = "A file cannot be read or written, or breaks a rule of its format.";
  nb::exception<loewner::BudgetError>(m, "BudgetError", PyExc_RuntimeError).doc() = "No encoding meets the budget.";
  nb::register_exception_translator(translate, io_error.ptr());
  python::bind_threads(m);
  python::bind_reports(m);
  python::bind_stored_matrix(m);
  python::document_attributes(m);
  bind_room(m, "linalg",
            {python::bind_sparse_rows, python::bind_truncated_svd, python::bind_block_krylov,
             python::bind_schatten_low_rank});
  bind_room(m, "sketch",
            {python::bind_embeddings, python::bind_leverage_scores, python::bind_least_squares,
             python::bind_residual_curve, python::bind_vector_residual_sketch, python::bind_sketched_svd});
  bind_room(m, "norms",
            {python::bind_loss, python::bind_lp_error, python::bind_lewis_weights, python::bind_ellipsoids});
  bind_room(m, "lowrank",
            {python::bind_lp_low_rank, python::bind_lp_row_projection, python::bind_robust_subspace,
             python::bind_entrywise_low_rank});
  bind_room(m, "regression",
            {python::bind_lp_regression, python::bind_shrunk_regression, python::bind_label_plan,
             python::bind_active_regression, python::bind_online_regression});
  bind_room(m, "cluster", {python::bind_projective_clustering, python::bind_latent_simplex, python::bind_convex_code});
  bind_room(m, "attention", {python::bind_heavy_keys, python::bind_heavy_key_stream});
  python::bind_input_codes(m);
  python::bind_code_tables(m);
  python::bind_compress(m);
  python::bind_compress_session(m);
  python::bind_workers(m);
  python::bind_study(m);
  python::bind_command_line(m);
}
