"""The firmware's files: where they lie, its version, the image that ships and what built it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ..errors import FileError
from ..files import read_text, read_toml

IMAGE = Path("images", "xylophone-mega2560.hex")
RECORD = IMAGE.with_suffix(".toml")
VERSION_HEADER = Path("src", "core", "version.h")

MOST_FLASH = 256 * 1024
"""Bytes of program that an ATmega2560 holds."""

_VERSION = re.compile(r"#define FIRMWARE_VERSION_(MAJOR|MINOR) (\d+)")


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """What is known of an image: which firmware it is, and what built it."""

    version: str  # of the firmware, 'major.minor'
    protocol: int
    compiler: str  # with linker and C library, as firmware/ship.py names them
    sha256: str  # of the program, not of the file that holds it


def firmware_folder() -> Path:
    """Return the folder of the firmware: in the package as installed, else in the checkout; FileError."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "firmware", package.parent / "firmware"):
        if (folder / VERSION_HEADER).is_file():
            return folder
    raise FileError("the firmware's files are not installed: install xylophone again")


def firmware_version(folder: Path) -> str:
    """Return the version of the sources, 'major.minor'; FileError when the header does not tell it."""
    found = dict(_VERSION.findall(read_text(folder / VERSION_HEADER)))
    if set(found) != {"MAJOR", "MINOR"}:
        raise FileError(f"{folder / VERSION_HEADER} tells no version: install xylophone again")
    return f"{found['MAJOR']}.{found['MINOR']}"


def read_record(folder: Path) -> ImageRecord:
    """Return the record of the image that ships; FileError when it is missing or broken."""
    content = read_toml(folder / RECORD, FileError)
    try:
        return ImageRecord(**content)
    except TypeError as error:
        raise FileError(
            f"{folder / RECORD} is no record of an image: write it with: python firmware/ship.py"
        ) from error


def read_program(image: Path) -> bytes:
    """Return the bytes that an Intel HEX file puts into flash, from address 0; gaps are FF.

    FileError when the file is unreadable or no Intel HEX. The format is Intel's of 1988: record types 0
    (content), 1 (end), 2 and 4 (upper part of the address); 3 and 5 name a start and are left out.
    """
    program, base, ended = bytearray(), 0, False
    for number, line in enumerate(read_text(image).split(), 1):
        address, kind, content = _parse(line, f"{image}, line {number}")
        if kind == 0:
            start = base + address
            _check_flash(start + len(content), f"{image}, line {number}")
            program.extend(b"\xff" * (start - len(program)))
            program[start : start + len(content)] = content
        elif kind in (2, 4):
            base = int.from_bytes(content, "big") << (4 if kind == 2 else 16)
        ended = kind == 1
    if not ended:
        raise FileError(f"{image} is no whole Intel HEX file, its end is missing: build it again")
    return bytes(program)


def _check_flash(end: int, place: str) -> None:
    if end > MOST_FLASH:
        raise FileError(
            f"{place}: the program ends at {end:,} of {MOST_FLASH:,} bytes: "
            "name an image for an Arduino Mega 2560"
        )


def _parse(line: str, place: str) -> tuple[int, int, bytes]:
    try:
        record = bytes.fromhex(line.removeprefix(":"))
    except ValueError:
        record = b""
    if not line.startswith(":") or len(record) < 5 or len(record) != record[0] + 5 or sum(record) & 0xFF:
        raise FileError(f"{place}: this is no Intel HEX: name a .hex file, or build one again")
    return int.from_bytes(record[1:3], "big"), record[3], record[4:-1]
