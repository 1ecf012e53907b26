"""What all tests share: where the project stands, and how long hypothesis may take."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

# An example may be slow on a busy machine; that is no fault of what is tested.
settings.register_profile("xylophone", deadline=None)
settings.load_profile("xylophone")


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return Path(__file__).resolve().parents[1]
