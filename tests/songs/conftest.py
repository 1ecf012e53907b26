"""The programs beside the songs, as modules."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def notation(root: Path) -> Iterator[ModuleType]:
    """songs/notation.py."""
    yield _load(root / "songs" / "notation.py")
    del sys.modules["notation"]


@pytest.fixture(scope="session")
def build(root: Path, notation: ModuleType) -> Iterator[ModuleType]:
    """songs/build.py, which imports the other."""
    yield _load(root / "songs" / "build.py")
    del sys.modules["build"]


@pytest.fixture(scope="session")
def built(build: ModuleType) -> dict[str, bytes]:
    """All that a fresh build would write, by name; it takes seconds, so once."""
    made: dict[str, bytes] = build.build()
    return made
