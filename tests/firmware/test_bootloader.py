"""The image that ships behind Arduino's own bootloader, in the emulator; and the stand-in, held to it."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
import pytest

from backends.serial_world import INSTRUMENT, scale
from firmware.behind_bootloader import BOOTLOADER, BORF, EXTRF, PORF, WDRF, Mega
from firmware.building import need
from firmware.conftest import IMAGE
from firmware.emulated import CYCLES_PER_TICK, EmulatedBoard
from firmware.host import Bootloader
from firmware.talk import MS
from xylophone.backends.serial import SerialBackend
from xylophone.clock import VirtualClock
from xylophone.link.bootloader import BOOTLOADER_BAUD, LEAVE
from xylophone.link.frames import FrameReader
from xylophone.link.messages import Boot, Cause

BYTE = round(10 * 16e6 / BOOTLOADER_BAUD)
"""Cycles that a byte takes at the bootloader's baud rate."""

TCCR0B = 0x45
STEP = 0.02
"""s between two strikes."""


@pytest.fixture
def bootloader() -> Path:
    """Arduino's own, as Debian packages it."""
    need("Arduino core")
    return BOOTLOADER


@pytest.mark.parametrize(
    "said",
    [
        [],
        [(100 * MS, b"\x55\x1b"), (900 * MS, b"abc")],
        [(100 * MS, LEAVE)],
        [(100 * MS, b"\x1b" + LEAVE)],
        [(100 * MS, b"noise"), (300 * MS, LEAVE), (310 * MS, b"more")],
    ],
    ids=["nothing", "twice", "the command", "behind a start", "behind noise"],
)
def test_the_stand_in_starts_the_program_when_the_real_one_does(emulator, bootloader, said):
    board, stand_in = EmulatedBoard(emulator, IMAGE, bootloader), Bootloader(0)
    for at, content in said:
        cycles = at + BYTE * np.arange(1, len(content) + 1)
        board.deliver(content, cycles)
        for byte, cycle in zip(content, cycles.tolist(), strict=True):
            stand_in.take(byte, cycle // CYCLES_PER_TICK)
    board.run(6000 * MS)
    own = board.sent()
    own = own[own["byte"] != 0x1B] if LEAVE in b"".join(content for _, content in said) else own
    starts = [row["cycle"] for row in own if row["cycle"] > (said[-1][0] if said else 0) + 20 * MS]
    assert starts[0] / CYCLES_PER_TICK == pytest.approx(stand_in.leaves, abs=20 * MS / CYCLES_PER_TICK)


def started(board: EmulatedBoard, flags: int) -> Boot:
    """Reset a board with these flags and return its BOOT."""
    board.reset(flags)
    return next_boot(board)


def next_boot(board: EmulatedBoard) -> Boot:
    board.take_sent()
    board.run(board.cycle + 1400 * MS)
    frames = FrameReader().feed(board.take_sent())
    return Boot.unpack([frame.payload for frame in frames if frame.code == Boot.CODE][-1])


@pytest.mark.parametrize(
    ("flags", "bare", "behind"),
    [
        (EXTRF, Cause.EXTERNAL | Cause.WARM, Cause.WARM),
        (BORF, Cause.BROWN_OUT | Cause.WARM, Cause.WARM),
        (WDRF, Cause.WATCHDOG | Cause.WARM, Cause.WARM),  # without the mark: it cannot be known
    ],
)
def test_the_bootloader_clears_what_the_processor_knew(emulator, bootloader, flags, bare, behind):
    for first, cause in ((None, bare), (bootloader, behind)):
        board = EmulatedBoard(emulator, IMAGE, first)
        before = next_boot(board)
        boot = started(board, flags)
        assert Cause(boot.cause) == cause
        assert boot.boot == (before.boot + 1) % 2**32


@pytest.mark.parametrize("fill", [0x00, 0xFF, 0xA5])
def test_a_power_that_failed_is_told_by_the_memory_that_is_lost(emulator, bootloader, fill):
    board = EmulatedBoard(emulator, IMAGE, bootloader)
    next_boot(board)
    board.forget(fill)
    assert Cause(started(board, PORF | BORF).cause) == Cause.POWER_ON


@pytest.mark.parametrize("behind", [True, False])
def test_a_hang_is_told_by_the_watchdog_s_mark_once(emulator, bootloader, behind):
    board = EmulatedBoard(emulator, IMAGE, bootloader if behind else None)
    next_boot(board)
    board.poke(TCCR0B, 0)  # the supervisor's timer stands still
    assert Cause(next_boot(board).cause) == Cause.WATCHDOG | Cause.WARM
    assert not Cause(started(board, EXTRF).cause) & Cause.WATCHDOG


def play(mega: Mega, moments: list[float]) -> tuple[list[float], list[str], int, int]:
    """Play strikes through resets at these moments.

    Return s from each to the next strike, what was told, how many strikes sounded and how many were planned.
    """
    with SerialBackend(INSTRUMENT, mega.connect, mega.clock) as backend:
        mega.clock.wait_until(0.0)
        for moment in moments:
            mega.clock.at(moment, lambda: mega.reset(EXTRF))
        rows = scale(0.1, int((moments[-1] + 1.8) / STEP), STEP, 0.005)
        sent = 0
        while mega.clock.now() < moments[-1] + 2.0:
            due = int(np.searchsorted(rows["start"], mega.clock.now() + backend.lookahead))
            backend.schedule(rows[sent:due])
            sent = due
            mega.clock.wait_until(mega.clock.now() + 0.25)
        told = [fault.message for fault in backend.poll()]
    edges = mega.board.channel_edges()
    on = mega.time(edges["cycle"][edges["on"]])
    return [float(on[on > moment][0]) - moment for moment in moments], told, len(on), len(rows)


@pytest.mark.parametrize(("behind", "limit"), [(True, 1.5), (False, 1.0)])
def test_a_reset_in_play_is_told_and_strikes_sound_again_soon(emulator, bootloader, behind, limit):
    """At four moments over the 150 ms from one question to the next, and over the bits of a byte."""
    moments = [1.0 + 1.6 * n + 0.0374602 * n for n in range(4)]
    mega = Mega(emulator, IMAGE, bootloader if behind else None, VirtualClock(-5.0))
    firsts, told, struck, planned = play(mega, moments)
    assert max(firsts) <= limit
    assert sum("the board has reset: its reset line was pulled" in line for line in told) == 4
    assert len(told) == 8, told  # and as often: the board is back
    assert planned - struck <= 4 * (limit / STEP)


def test_the_command_hurts_no_program_that_runs(emulator: ctypes.CDLL) -> None:
    """Answers are lost for a while, so a firmware that plays hears it: every strike sounds all the same."""
    mega = Mega(emulator, IMAGE, None, VirtualClock(-5.0))
    with SerialBackend(INSTRUMENT, mega.connect, mega.clock) as backend:
        mega.clock.wait_until(0.0)
        backend.schedule(scale(0.1, 100, STEP, 0.005))
        mega.clock.wait_until(0.7)
        mega.mute = True
        mega.clock.wait_until(1.1)
        mega.mute = False
        mega.clock.wait_until(3.0)
        report = backend.report()
        assert backend.poll() == ()
    assert mega.spoken_at_other_baud > 0
    assert report.pulses == 100
    assert len(mega.board.channel_edges()) == 200
