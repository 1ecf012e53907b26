"""A fake Raspberry Pi for the real libraries: fake_pi.c preloaded into processes, its state seen here."""

from __future__ import annotations

import ctypes
import functools
import mmap
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import programs
from firmware.building import need

SOURCE = Path(__file__).with_name("fake_pi.c")
LINES, CHAIN, CHIPS, REGISTERS, LOGGED, KINDS_OF_DEVICES = 28, 8, 8, 22, 1 << 16, 6
COILS = ("595", "mcp23017", "pins")
DEVICES = {"/dev/gpiochip0": 1, "/dev/gpiochip4": 1, "/dev/spidev0.0": 3, "/dev/i2c-1": 4}
FOR_EVER = -1

PI_4, PI_5 = 0xC03112, 0xD04170
"""Revisions."""


class Model(NamedTuple):
    """A Pi and its kernel: the gpiochip of its header, and whether a pin that nobody holds is an input."""

    revision: int
    header: int
    mainline: bool


MODELS = {
    "4": Model(PI_4, 0, False),
    "4-mainline": Model(PI_4, 0, True),
    "5": Model(PI_5, 4, False),
    "5-mainline": Model(PI_5, 0, True),
}
"""Raspberry Pi OS and a mainline kernel on each; newer kernels have the header of a Pi 5 on gpiochip0."""

i32, i64, u8, u64 = ctypes.c_int32, ctypes.c_int64, ctypes.c_uint8, ctypes.c_uint64


class Entry(ctypes.Structure):
    """One change of the coils."""

    _fields_ = (("ns", i64), ("mask", u64), ("kind", i32), ("pid", i32))


class State(ctypes.Structure):
    """`struct state` of fake_pi.c."""

    _fields_ = (
        *(
            (name, i32)
            for name in ("size", "lock", "registers", "enable_pin", "reset_pin", "revision", "chips")
        ),
        *((name, i32) for name in ("pins", "header", "mainline")),
        ("address", i32 * CHIPS),
        ("pin", i32 * LINES),
        ("absent", i32 * KINDS_OF_DEVICES),
        ("forbidden", i32 * KINDS_OF_DEVICES),
        *(
            (name, i32)
            for name in ("spi_failures", "i2c_failures", "spi_noise", "spi_delay_us", "i2c_delay_us")
        ),
        *((name, i32) for name in ("pin_failures", "pin_delay_us", "miso")),
        ("pull", i32 * LINES),
        ("level", i32 * LINES),
        ("driven", i32 * LINES),
        ("owner", i32 * LINES),
        ("shift", u8 * CHAIN),
        ("latch", u8 * CHAIN),
        ("reg", u8 * REGISTERS * CHIPS),
        ("pointer", u8 * CHIPS),
        ("transfers", i64),
        ("transactions", i64),
        ("coils", u64 * len(COILS)),
        ("logged", i64),
        ("log", Entry * LOGGED),
    )


@functools.cache
def library() -> Path:
    """Build the shared library, once; without a compiler or lgpio the tests that need it are left out."""
    need("cc", "lgpio")
    built = Path(tempfile.mkdtemp(prefix="fake-pi-"), "fake_pi.so")
    programs.run(
        ["cc", "-O2", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-o", built, SOURCE], check=True
    )
    return built


class FakePi:
    """A Pi as it is after power-up: pins are inputs, 0..8 pulled high, and 74HC595 hold anything.

    `state` is everything, to look at and to break while processes run.
    """

    def __init__(
        self,
        folder: Path,
        *,
        registers: int = 4,
        addresses: tuple[int, ...] = (0x20, 0x21),
        pins: tuple[int, ...] = (),
        model: str = "4",
        seed: int = 1,
    ) -> None:
        """Make the Pi, one of MODELS; `registers` are in the chain, /OE is GPIO25 and /RESET GPIO24."""
        self._folder, self._library = folder, library()
        path = folder / "pi"
        path.write_bytes(bytes(ctypes.sizeof(State)))
        with path.open("r+b") as file:
            self.state: Any = State.from_buffer(mmap.mmap(file.fileno(), 0))
        state, random = self.state, Random(seed)
        state.size, state.registers, state.miso = ctypes.sizeof(State), registers, -1
        state.revision, state.header, state.mainline = MODELS[model]
        state.enable_pin, state.reset_pin = 25, 24
        state.chips, state.pins = len(addresses), len(pins)
        state.address[: len(addresses)] = addresses
        state.pin[: len(pins)] = pins
        state.pull[:] = state.level[:] = [int(line < 9) for line in range(LINES)]
        for chip in range(CHAIN):
            state.shift[chip], state.latch[chip] = random.randrange(256), random.randrange(256)
        for chip in range(CHIPS):
            state.reg[chip][:2] = (0xFF, 0xFF)
        self.environment = {
            "LD_PRELOAD": str(self._library),
            "FAKE_PI": str(path),
        }

    def coils(self, kind: str) -> int:
        """Return the mask of coils that are on, by physics."""
        self._bury()
        mask: int = self.state.coils[COILS.index(kind)]
        return mask

    def log(self, kind: str) -> list[tuple[int, int]]:
        """Return the changes of the coils of a kind, (ns, mask)."""
        entries = self.state.log[: min(self.state.logged, LOGGED)]
        return [(entry.ns, entry.mask) for entry in entries if entry.kind == COILS.index(kind)]

    def level(self, line: int) -> int | None:
        """Return the level that a pin is driven to; None where it is an input."""
        self._bury()
        return self.state.level[line] if self.state.driven[line] else None

    def take_away(self, device: str) -> None:
        """Let a device not be there; a gpiochip is the header's, whichever it is."""
        self.state.absent[DEVICES[device]] = 1

    def forbid(self, device: str) -> None:
        """Let a device be there for others only."""
        self.state.forbidden[DEVICES[device]] = 1

    def _bury(self) -> None:
        """Have the pins of the dead freed: the kernel of a real Pi does that as they die."""
        ctypes.CDLL(str(self._library)).bury_the_dead(ctypes.byref(self.state))

    def run(self, program: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a Python program on this Pi."""
        return programs.run(
            [sys.executable, "-c", program],
            env=os.environ | self.environment | {"GPIOZERO_PIN_FACTORY": "lgpio"},
            cwd=self._folder,  # where lgpio leaves a FIFO
            capture_output=True,
            text=True,
            **options,
        )
