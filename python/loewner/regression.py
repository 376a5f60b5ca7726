# SPDX-License-Identifier: Apache-2.0
"""Regression in l_p norms and in the Huber loss, from all labels or from few."""

from loewner._core.regression import (
    ActiveRegression,
    LabelImportance,
    LabelPlan,
    OnlineActiveRegression,
    PlannedFit,
    RobustRegression,
    SamplingScheme,
    ShrunkRegression,
    active_lp_regression,
    fit_plan,
    huber_regression,
    label_budget,
    loss_sensitivities,
    lp_regression,
    plan_labels,
    shrunk_regression,
)

__all__ = [
    "ActiveRegression",
    "LabelImportance",
    "LabelPlan",
    "OnlineActiveRegression",
    "PlannedFit",
    "RobustRegression",
    "SamplingScheme",
    "ShrunkRegression",
    "active_lp_regression",
    "fit_plan",
    "huber_regression",
    "label_budget",
    "loss_sensitivities",
    "lp_regression",
    "plan_labels",
    "shrunk_regression",
]
