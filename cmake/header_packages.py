# SPDX-License-Identifier: Apache-2.0
"""Prints a CMake list of the prefixes in which this interpreter's packages ship nlohmann-json, CLI11 and fmt.

They are looked up on sys.path, since pip's build environments do not change the folders that sysconfig names.
"""

import sys
from pathlib import Path

PREFIXES = ("pgm_build_deps/nlohmann_json", "pgm_build_deps/cli11", "cmeel.prefix")

print(
    ";".join(str(Path(folder, prefix)) for folder in sys.path for prefix in PREFIXES if Path(folder, prefix).is_dir())
)
