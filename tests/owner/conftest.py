"""What tests of an owner begin with: a core on a virtual clock, and songs for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from owner.held import Held, song


@pytest.fixture
def held(tmp_path: Path) -> Held:
    return Held(tmp_path)


@pytest.fixture
def songs(tmp_path: Path) -> list[dict[str, Any]]:
    """Four songs of one bar after the other: a, b, c and d."""
    return [song(tmp_path, name, pitch=67 + place) for place, name in enumerate("abcd")]
