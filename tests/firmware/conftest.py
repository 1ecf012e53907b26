"""What tests of the firmware share: the emulator, and the image that ships."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware.building import FIRMWARE, need, run
from firmware.emulated import EmulatedBoard, load

IMAGE = FIRMWARE / "images" / "xylophone-mega2560.hex"


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The emulator, built for this run."""
    need("cc", "simavr headers")
    library = tmp_path_factory.mktemp("emulator") / "emulator.so"
    source = Path(__file__).with_name("emulator.c")
    warnings = ["-Wall", "-Wextra", "-Werror"]
    run(["cc", "-O2", *warnings, "-shared", "-fPIC", str(source), "-o", str(library), "-lsimavr", "-lelf"])
    return load(library)


@pytest.fixture
def emulated(emulator: ctypes.CDLL) -> Iterator[EmulatedBoard]:
    """A board with the image that ships, from reset."""
    board = EmulatedBoard(emulator, IMAGE)
    yield board
    board.close()
