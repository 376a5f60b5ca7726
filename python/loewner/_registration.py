# SPDX-License-Identifier: Apache-2.0
"""Tells transformers of our format as soon as transformers is there, and not before: it takes seconds to import."""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

_TRIGGER = "transformers.modeling_utils"  # every from_pretrained imports it


class _RegisterAfterImport:
    """A meta path finder that acts once: after the import of the module that loads models it registers ours."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != _TRIGGER:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_register(module: ModuleType) -> None:
                execute(module)
                import_module("loewner.transformers")

            spec.loader.exec_module = execute_and_register  # type: ignore[method-assign]
        return spec


def register_with_transformers() -> None:
    if _TRIGGER in sys.modules:
        import_module("loewner.transformers")
    else:
        sys.meta_path.insert(0, _RegisterAfterImport())
