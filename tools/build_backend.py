# SPDX-License-Identifier: Apache-2.0
"""The build backend of pyproject.toml: scikit-build-core, plus the header-only libraries that this machine lacks.

Where Debian's nlohmann-json3-dev, libcli11-dev and libfmt-dev are installed, nothing is added. Elsewhere pip puts the
PyPI packages that ship these headers into the build environment, and cmake/LoewnerHeaders.cmake finds them there.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from scikit_build_core import build as _backend
from scikit_build_core.build import (
    build_editable,
    build_sdist,
    build_wheel,
    get_requires_for_build_sdist,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

Settings = dict[str, str | list[str]] | None

SYSTEM_FOLDERS = (Path("/usr/local/include"), Path("/usr/include"))

# header -> PyPI package that ships it
PACKAGES = {
    "nlohmann/json.hpp": "pgm-build-deps>=2026.10",
    "CLI/CLI.hpp": "pgm-build-deps>=2026.10",
    "fmt/format.h": "cmeel-fmt>=9",
}


def missing_headers(
    settings: Mapping[str, object] | None = None, folders: tuple[Path, ...] = SYSTEM_FOLDERS
) -> list[str]:
    """The PyPI packages of the headers that the system lacks; of all headers if the system's must not be used."""
    if (settings or {}).get("cmake.define.LOEWNER_SYSTEM_HEADERS", "ON") == "OFF":
        folders = ()
    packages = [
        package for header, package in PACKAGES.items() if not any((folder / header).is_file() for folder in folders)
    ]
    return list(dict.fromkeys(packages))


def get_requires_for_build_wheel(config_settings: Settings = None) -> list[str]:
    return [*_backend.get_requires_for_build_wheel(config_settings), *missing_headers(config_settings)]


def get_requires_for_build_editable(config_settings: Settings = None) -> list[str]:
    return [*_backend.get_requires_for_build_editable(config_settings), *missing_headers(config_settings)]
