# SPDX-License-Identifier: Apache-2.0
"""Regression in l_p norms and in the Huber loss, from all labels or from few.

`lp_regression` and `huber_regression` use all labels, and prove how close they are to the optimum. If labels are
expensive, `plan_labels` chooses the rows to label and `fit_plan` solves the regression on them;
`active_lp_regression` does both, and `OnlineActiveRegression` does so on a stream.
"""

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
