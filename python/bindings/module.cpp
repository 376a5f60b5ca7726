// SPDX-License-Identifier: Apache-2.0
#include <nanobind/nanobind.h>

#include <initializer_list>
#include <string>

#include "bindings.hpp"
#include "loewner/base/error.hpp"

namespace nb = nanobind;
namespace python = loewner::python;

namespace {

// Binds a submodule. Its classes and functions call themselves loewner.NAME.x, where the package exports them.
void bind_room(nb::module_& m, const char* name, const char* doc, std::initializer_list<void (*)(nb::module_&)> parts) {
  nb::module_ room = m.def_submodule(name, doc);
  room.attr("__name__") = nb::str((std::string("loewner.") + name).c_str());
  for (const auto bind : parts) bind(room);
}

}  // namespace

// InvalidArgument is a std::invalid_argument, which nanobind makes a ValueError.
NB_MODULE(_core, m) {
  m.doc() = "The C++ core of loewner.";
  m.def(
      "version", [] { return LOEWNER_VERSION; }, "Of the package and of its command line.");
  nb::exception<loewner::IoError>(m, "IoError", PyExc_OSError);
  nb::exception<loewner::BudgetError>(m, "BudgetError", PyExc_RuntimeError);
  python::bind_threads(m);
  python::bind_reports(m);
  bind_room(m, "linalg", "Truncated SVD, block Krylov methods and matrices by rows.",
            {python::bind_sparse_rows, python::bind_truncated_svd, python::bind_block_krylov});
  bind_room(m, "sketch", "Random embeddings, and what is computed from a sketch of a matrix.",
            {python::bind_embeddings, python::bind_leverage_scores, python::bind_least_squares,
             python::bind_residual_curve, python::bind_sketched_svd});
  bind_room(m, "norms", "Lewis weights, ellipsoids, losses and errors in l_p norms.",
            {python::bind_loss, python::bind_lp_error, python::bind_lewis_weights, python::bind_ellipsoids});
  bind_room(m, "lowrank", "Low-rank approximation in l_p norms and robust losses.",
            {python::bind_lp_low_rank, python::bind_robust_subspace, python::bind_entrywise_low_rank});
  bind_room(m, "regression", "Regression in l_p norms and the Huber loss, and from few labels.",
            {python::bind_lp_regression, python::bind_shrunk_regression, python::bind_active_regression});
  bind_room(m, "cluster", "Clusters with subspaces, and rows as convex combinations.",
            {python::bind_projective_clustering, python::bind_latent_simplex});
  bind_room(m, "attention", "Keys with large attention weights.", {python::bind_heavy_keys});
  python::bind_stored_matrix(m);
  python::bind_compress(m);
  python::bind_study(m);
  python::bind_command_line(m);
}
