"""How many examples hypothesis draws for a law: all in the whole suite, a quarter in its first circle."""

from __future__ import annotations

from typing import Any

from hypothesis import settings

USUAL, FEW = 40, 10
"""Examples of a law that does not say how many it needs: usually, and with --quick."""


def examples(count: int, **more: Any) -> settings:
    """Return the settings of a law that needs so many examples."""
    return settings(max_examples=max(2, count * settings.default.max_examples // USUAL), **more)
