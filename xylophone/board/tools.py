"""What turns the firmware's files into something that runs: make, avr-gcc, avrdude and the C compiler."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from ..errors import BackendError, MissingExtra
from ..files import make_folder, read_bytes, replace_file

INSTALL = {
    "make": ("make", "make"),
    "avr-gcc": ("gcc-avr avr-libc", "avr-gcc"),
    "avr-ld": ("binutils-avr", "avr-binutils"),
    "avrdude": ("avrdude", "avrdude"),
    "cc": ("gcc libc6-dev", "gcc"),
}
"""Program: the packages that hold it, of apt and of Homebrew."""

VIRTUAL_BOARD_SOURCES = ("host/pty.c", "host/host.c", "host/bootloader.c", "host/line.c", "src/core/*.c")
VIRTUAL_BOARD_FLAGS = ("-std=gnu11", "-O2")

LONGEST_WRITE = 120.0
"""s that avrdude is given; a full flash of 256 kB takes it 45 s at 115200 baud."""


def require_tool(name: str, need: str) -> str:
    """Return the path of a program; MissingExtra says what needs it and how to install it."""
    path = shutil.which(name)
    if path is None:
        apt, brew = INSTALL[name]
        tap = "brew tap osx-cross/avr && " if brew.startswith("avr-") else ""
        raise MissingExtra(
            f"{need} needs {name}, which is not there: sudo apt install {apt} "
            f"(on macOS: {tap}brew install {brew})"
        )
    return path


def build_image(folder: Path, image: Path) -> None:
    """Build the firmware of a folder afresh and write its image, an Intel HEX file.

    MissingExtra without make or avr-gcc; BackendError, the compiler's words as its note, when it fails.
    """
    make = require_tool("make", "building the firmware")
    require_tool("avr-gcc", "building the firmware")
    with tempfile.TemporaryDirectory(prefix="xylophone-") as build:
        _run([make, "-C", str(folder), f"BUILD={build}"], "the firmware could not be built")
        _place(Path(build, "xylophone.hex"), image)


def build_virtual_board(folder: Path, cache: Path) -> Path:
    """Return the program of the virtual board: from `cache`, or compiled there if the sources are new.

    MissingExtra without a C compiler; BackendError, its words as a note, when it fails.
    """
    sources = sorted(path for pattern in VIRTUAL_BOARD_SOURCES for path in folder.glob(pattern))
    headers = sorted([*folder.glob("host/*.h"), *folder.glob("src/core/*.h")])
    mark = hashlib.sha256(" ".join(VIRTUAL_BOARD_FLAGS).encode())
    for path in (*sources, *headers):
        mark.update(path.name.encode() + b"\0" + read_bytes(path))
    program = cache / f"virtual-board-{mark.hexdigest()[:16]}"
    if not program.exists():
        make_folder(cache, "set XDG_CACHE_HOME to a folder that can be written")
        compiler = require_tool("cc", "the virtual board")
        with tempfile.TemporaryDirectory(prefix="xylophone-") as build:
            made = Path(build, "board")
            words = [compiler, *VIRTUAL_BOARD_FLAGS, *map(str, sources), "-o", str(made)]
            _run(words, "the virtual board could not be compiled")
            _place(made, program, executable=True)
    return program


def write_flash(image: Path, device: str) -> None:
    """Write an image to the Arduino Mega 2560 on a port, by avrdude, which reads it back and compares.

    MissingExtra without avrdude; BackendError, its words as a note, when it fails.
    """
    _avrdude(device, "-U", f"flash:w:{image}:i")


def write_eeprom(address: int, content: bytes, device: str) -> None:
    """Write whole pages of 8 bytes to the EEPROM of the Arduino Mega 2560 on a port, by avrdude.

    It does not compare: Arduino's bootloader reads the EEPROM back from twice the address. Ask the board.
    MissingExtra without avrdude; BackendError, its words as a note, when it fails.
    """
    record = bytes([len(content), address >> 8, address & 0xFF, 0]) + content
    line = record + bytes([-sum(record) & 0xFF])
    with tempfile.TemporaryDirectory(prefix="xylophone-") as folder:
        file = Path(folder, "eeprom.hex")
        file.write_text(f":{line.hex().upper()}\n:00000001FF\n", encoding="ascii")
        _avrdude(device, "-V", "-U", f"eeprom:w:{file}:i")


def _avrdude(device: str, *what: str) -> None:
    avrdude = require_tool("avrdude", "writing firmware to a board")
    words = [avrdude, "-p", "atmega2560", "-c", "wiring", "-b", "115200", "-D", "-P", device]
    _run(
        [*words, *what],
        f"avrdude could not write to {device}",
        "is it an Arduino Mega 2560, is its USB cable in, and does nothing else use the port?",
        LONGEST_WRITE,
    )


def _place(made: Path, target: Path, *, executable: bool = False) -> None:
    make_folder(target.parent, "name a file in another folder")
    with replace_file(target) as out:
        out.write(made.read_bytes())
    if executable:
        target.chmod(0o755)


def _run(
    command: list[str], failed: str, remedy: str = "its words are above", longest: float | None = None
) -> None:
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=longest
        )
    except subprocess.TimeoutExpired as late:
        words, failed = late.stdout, f"{failed} and was ended after {longest:g} s"
    else:
        if not done.returncode:
            return
        words = done.stdout
    error = BackendError(f"{failed}: {remedy}")
    error.add_note((words or b"").decode(errors="replace").rstrip())  # maybe in another language than ours
    raise error
