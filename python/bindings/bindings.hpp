// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nanobind/nanobind.h>

// One function per group of public headers, defined in the source of the same name; module.cpp calls them all.
namespace loewner::python {

// loewner
void bind_threads(nanobind::module_& m);
void bind_reports(nanobind::module_& m);
void bind_stored_matrix(nanobind::module_& m);
void bind_input_codes(nanobind::module_& m);
void bind_code_tables(nanobind::module_& m);
void bind_compress(nanobind::module_& m);
void bind_compress_session(nanobind::module_& m);
void bind_workers(nanobind::module_& m);
void bind_study(nanobind::module_& m);
void bind_command_line(nanobind::module_& m);

// loewner.linalg
void bind_sparse_rows(nanobind::module_& m);
void bind_truncated_svd(nanobind::module_& m);
void bind_block_krylov(nanobind::module_& m);
void bind_schatten_low_rank(nanobind::module_& m);

// loewner.sketch
void bind_embeddings(nanobind::module_& m);
void bind_leverage_scores(nanobind::module_& m);
void bind_least_squares(nanobind::module_& m);
void bind_residual_curve(nanobind::module_& m);
void bind_vector_residual_sketch(nanobind::module_& m);
void bind_sketched_svd(nanobind::module_& m);

// loewner.norms
void bind_loss(nanobind::module_& m);
void bind_lp_error(nanobind::module_& m);
void bind_lewis_weights(nanobind::module_& m);
void bind_ellipsoids(nanobind::module_& m);

// loewner.lowrank
void bind_lp_low_rank(nanobind::module_& m);
void bind_lp_row_projection(nanobind::module_& m);
void bind_robust_subspace(nanobind::module_& m);
void bind_entrywise_low_rank(nanobind::module_& m);

// loewner.regression
void bind_lp_regression(nanobind::module_& m);
void bind_shrunk_regression(nanobind::module_& m);
void bind_label_plan(nanobind::module_& m);
void bind_active_regression(nanobind::module_& m);
void bind_online_regression(nanobind::module_& m);

// loewner.cluster
void bind_projective_clustering(nanobind::module_& m);
void bind_latent_simplex(nanobind::module_& m);
void bind_convex_code(nanobind::module_& m);

// loewner.attention
void bind_heavy_keys(nanobind::module_& m);
void bind_heavy_key_stream(nanobind::module_& m);

}  // namespace loewner::python
