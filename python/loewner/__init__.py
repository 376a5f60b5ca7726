# SPDX-License-Identifier: Apache-2.0
"""Make transformer checkpoints smaller without fine-tuning and without a GPU.

`compress` encodes the matrices of a model folder, and `load` loads the result. `verify` checks it, `expand` decodes it,
`export` writes an ONNX file, and `calibrate` measures a text for `compress`. The numerical methods can be used alone:

- `loewner.linalg`: truncated SVD, block Krylov methods and sparse matrices
- `loewner.sketch`: random embeddings and estimates from them
- `loewner.norms`: Lewis weights, ellipsoids, robust losses and errors
- `loewner.lowrank`: low-rank approximation in l_p norms and in robust losses
- `loewner.regression`: regression in l_p norms and in the Huber loss
- `loewner.cluster`: clusters with subspaces, and convex combinations of vertices
- `loewner.attention`: keys that can have a large attention weight
- `loewner.typing`: the types of their arguments

Importing this package registers its format with transformers, so that `from_pretrained` loads the folders that
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
