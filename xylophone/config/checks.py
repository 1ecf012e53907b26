"""Checks of single values in xylophone.toml; each ValueError says what is wrong and what to write."""

from __future__ import annotations

import re

from ..pitch import parse_pitch

_URL = re.compile(r"[a-z][a-z0-9+.-]*:[^\s\0]?.*\Z")


def pitch(value: object) -> int:
    """Return the MIDI number of a pitch by its name or number."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("no pitch: write a name such as 'C6' or a MIDI number 0..127")
    return parse_pitch(str(value)[:40])


def url(text: str) -> str:
    """Return the URL of a backend."""
    if not _URL.match(text) or not text.isprintable():
        raise ValueError("no backend: write its scheme and a colon, such as 'sim:' or 'serial:auto'")
    return text


def folder(text: str) -> str:
    """Return the path of a folder."""
    if not text.isprintable() or not text.strip():
        raise ValueError("no folder: write its path, such as '~/xylophone'")
    return text


def name(text: str) -> str:
    """Return what somebody calls something."""
    if not text.isprintable() or not text.strip():
        raise ValueError("no name: use letters that can be printed")
    return text
