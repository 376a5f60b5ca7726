# SPDX-License-Identifier: Apache-2.0
"""Estimators for scikit-learn."""

from loewner.sklearn.latent_simplex import LatentSimplex

__all__ = ["LatentSimplex"]
