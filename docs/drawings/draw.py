"""Draws the pictures of docs/wiring.md; with --check, says whether they are what is drawn today."""

from __future__ import annotations

import sys

import channel
import registers
import supply
from sheet import FOLDER

DRAWINGS = {"wiring.svg": channel.draw, "wiring-supply.svg": supply.draw, "wiring-595.svg": registers.draw}
"""Makers of the pictures, by file."""


def main() -> None:
    """Write them all, or compare them with what is there."""
    stale = []
    for name, draw in DRAWINGS.items():
        path, text = FOLDER / name, draw()
        if "--check" not in sys.argv:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
    if stale:
        sys.exit(f"docs/{', docs/'.join(stale)}: not what its script draws; run python docs/drawings/draw.py")


if __name__ == "__main__":
    main()
