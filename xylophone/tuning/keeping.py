"""Keeping calibrations: a new one takes the place of the old one, and the old one is kept beside it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from ..calibration import Calibration
from ..calibration_file import read_calibration, write_calibration
from ..errors import FileError
from ..files import read_bytes, replace_file


def previous_of(path: Path) -> Path:
    """Return where the calibration that was in force before is kept: calibration.previous.toml."""
    return path.with_name(f"{path.stem}.previous{path.suffix}")


def keep(path: Path, calibration: Calibration, when: datetime, backend: str) -> Calibration:
    """Write a calibration, dated, and keep what the file held until then; return it as it was written.

    Each file is replaced whole, and what cannot be written or read again changes neither. Raises
    FileError where a file or its folder cannot be written, CalibrationError as `write_calibration` does.
    """
    dated = replace(calibration, tuned=when.isoformat(timespec="seconds"), backend=backend)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"cannot make {path.parent}: name a file elsewhere with --calibration") from error
    old = read_bytes(path) if path.exists() else None
    write_calibration(path, dated)
    if old is not None:
        _write(previous_of(path), old)
    return dated


def take_back(path: Path) -> Calibration:
    """Put the previous calibration in force again and keep the present one in its place; return it.

    Taking back twice changes nothing. FileError where none is kept, CalibrationError where it cannot be read.
    """
    previous = previous_of(path)
    if not previous.exists():
        raise FileError(f"there is no {previous}: nothing was tuned before, so nothing can be taken back")
    old = read_calibration(previous)
    content, present = read_bytes(previous), read_bytes(path) if path.exists() else None
    _write(path, content)
    if present is not None:
        _write(previous, present)
    return old


def _write(path: Path, content: bytes) -> None:
    with replace_file(path) as out:
        out.write(content)
