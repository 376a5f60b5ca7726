# SPDX-License-Identifier: Apache-2.0
"""Transformer checkpoints made smaller without fine-tuning and without a GPU.

Importing this package registers the format with transformers, so that `from_pretrained` loads the folders that
`compress` writes. It imports neither torch nor transformers.
"""

from loewner import _openblas as _openblas  # first: _core needs the library that it loads
from loewner import attention, cluster, linalg, lowrank, norms, regression, sketch
from loewner._core import (
    BudgetError,
    FitReport,
    IfExists,
    IoError,
    Method,
    NumberFormat,
    Selection,
    Status,
    StoredMatrix,
    num_threads,
    set_num_threads,
)
from loewner._core import version as _version
from loewner._export import ExportReport, export
from loewner._loading import load
from loewner._registration import register_with_transformers as _register_with_transformers
from loewner._reports import CalibrateReport, CompressReport, TensorReport, VerifyReport
from loewner._verbs import calibrate, compress, expand, verify

__version__ = _version()
__all__ = [
    "BudgetError",
    "CalibrateReport",
    "CompressReport",
    "ExportReport",
    "FitReport",
    "IfExists",
    "IoError",
    "Method",
    "NumberFormat",
    "Selection",
    "Status",
    "StoredMatrix",
    "TensorReport",
    "VerifyReport",
    "attention",
    "calibrate",
    "cluster",
    "compress",
    "expand",
    "export",
    "linalg",
    "load",
    "lowrank",
    "norms",
    "num_threads",
    "regression",
    "set_num_threads",
    "sketch",
    "verify",
]

_register_with_transformers()
