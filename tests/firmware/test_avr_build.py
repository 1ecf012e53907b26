"""The image as it is built: what it takes, and that an Arduino builder makes the same firmware of it."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np

import programs
from firmware.building import make, need
from firmware.emulated import EmulatedBoard
from firmware.talk import CHANNELS, Talk, milliseconds, strikes
from link.snapping import snap

FLASH, RAM = 16 * 1024, 5632
"""Bytes; of 256 KiB and 8 KiB. The stack comes to RAM: at most 512 more."""


def sizes(image: Path) -> dict[str, int]:
    """Return the bytes of each section of a built image."""
    listing = programs.run(["avr-size", "-A", image], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in listing.splitlines() if line.startswith(".")]
    return {name: int(size) for name, size, *_ in rows}


def test_what_the_image_takes(tmp_path: Path) -> None:
    need("avr-gcc")
    make(tmp_path, "all")
    taken = sizes(tmp_path / "xylophone.elf")
    assert taken[".text"] + taken[".data"] <= FLASH
    assert taken[".data"] + taken[".bss"] + taken[".noinit"] <= RAM


def test_the_sketch_that_an_arduino_builder_makes_keeps_the_time(
    emulator: ctypes.CDLL, tmp_path: Path
) -> None:
    """Arduino's flags, its core and its link-time optimisation; none of its interrupts are in."""
    need("avr-gcc", "Arduino core")
    make(tmp_path, "sketch")
    names = programs.run(
        ["avr-nm", tmp_path / "sketch.elf"], capture_output=True, text=True, check=True
    ).stdout
    assert not {"millis", "setup", "loop", "timer0_millis", "Serial"} & set(names.split())
    image = tmp_path / "sketch.hex"
    copy = ["avr-objcopy", "-O", "ihex", "-R", ".eeprom", tmp_path / "sketch.elf", image]
    programs.run(copy, check=True)
    board = EmulatedBoard(emulator, image)
    talk = Talk(board)
    talk.begin()
    first = talk.clock + 500_000
    table = strikes([(first + 40_001 * n, n % CHANNELS, milliseconds(10)) for n in range(90)])
    talk.play(table, flood=True)
    on, _ = snap(table["clock"].astype(np.int64), table["width"].astype(np.int64))
    edges = board.channel_edges()
    late = edges["cycle"][edges["on"]] - talk.cycle(on)
    assert len(late) == 90
    assert 0 <= late.min() <= late.max() <= 12
    board.close()
