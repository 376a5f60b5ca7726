// SPDX-License-Identifier: Apache-2.0
#include <nanobind/nanobind.h>

#include "bindings.hpp"
#include "loewner/base/error.hpp"

namespace nb = nanobind;

// InvalidArgument is a std::invalid_argument, which nanobind makes a ValueError.
NB_MODULE(_core, m) {
  m.doc() = "The C++ core of loewner. Arrays are taken and given without copies.";
  m.def(
      "version", [] { return LOEWNER_VERSION; }, "Of the package and of its command line.");
  nb::exception<loewner::IoError>(m, "IoError", PyExc_OSError);
  nb::exception<loewner::BudgetError>(m, "BudgetError", PyExc_RuntimeError);
  loewner::python::bind_threads(m);
  loewner::python::bind_reports(m);
  loewner::python::bind_truncated_svd(m);
  loewner::python::bind_sparse_rows(m);
  loewner::python::bind_embeddings(m);
  loewner::python::bind_leverage_scores(m);
  loewner::python::bind_least_squares(m);
  loewner::python::bind_residual_curve(m);
  loewner::python::bind_block_krylov(m);
  loewner::python::bind_lewis_weights(m);
  loewner::python::bind_lp_low_rank(m);
  loewner::python::bind_lp_regression(m);
  loewner::python::bind_shrunk_regression(m);
  loewner::python::bind_active_regression(m);
  loewner::python::bind_robust_subspace(m);
  loewner::python::bind_entrywise_low_rank(m);
  loewner::python::bind_ellipsoids(m);
  loewner::python::bind_projective_clustering(m);
  loewner::python::bind_heavy_keys(m);
  loewner::python::bind_latent_simplex(m);
  loewner::python::bind_stored_matrix(m);
  loewner::python::bind_compress(m);
  loewner::python::bind_study(m);
  loewner::python::bind_command_line(m);
}
