# SPDX-License-Identifier: Apache-2.0
"""Registers the format when transformers is imported. loewner does not import it, because that takes seconds."""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

_TRIGGER = "transformers.modeling_utils"  # from_pretrained of every model class imports it


class _RegisterAfterImport:
    """A meta path finder that acts once: it registers the format after the import of `_TRIGGER`."""

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
    """Register the format now if transformers is imported, otherwise when it will be."""
    if _TRIGGER in sys.modules:
        import_module("loewner.transformers")
    else:
        sys.meta_path.insert(0, _RegisterAfterImport())
