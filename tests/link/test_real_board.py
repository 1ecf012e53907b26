"""The host's end of the link in conversation with the firmware's own core, on a line that damages bytes.

What the coils do is compared with the snapping function, tick by tick.
"""

from __future__ import annotations

import numpy as np
import pytest

from firmware.host import VirtualBoard
from link.snapping import snap
from link.songs import Song
from link.wire import Wire
from xylophone.link import messages as m
from xylophone.link.frames import crc16

CHANNELS = 30
BEFORE_WRAP = 2**32 - 6 * m.TICK_RATE
"""Tick at the host's second 0: the clock wraps in the middle of the songs."""


class CoreBoard:
    """The core as the wire wants it: ticks count from the host's second 0."""

    def __init__(self) -> None:
        self.core = VirtualBoard(BEFORE_WRAP)

    def arrive(self, content: bytes, clock: int) -> None:
        self.core.receive(content, BEFORE_WRAP + clock)
        self.core.advance(BEFORE_WRAP + clock)

    def advance(self, clock: int) -> None:
        self.core.advance(BEFORE_WRAP + clock)

    def take_sent(self) -> bytes:
        return self.core.sent()


def armed(noise: float, seed: int = 1) -> tuple[Wire, CoreBoard]:
    """Return a line to a board that is configured and armed."""
    board = CoreBoard()
    wire = Wire(board, noise, seed)
    wire.greet()
    limits = [
        m.ChannelConfig(channel, 12_500, 1_000, m.MOST_REFILL_FRACTION, m.MOST_CAPACITY_TICKS)
        for channel in range(CHANNELS)
    ]
    checksum = crc16(b"".join(each.pack() for each in limits) + bytes((CHANNELS,)))
    for message in (*limits, m.Commit(CHANNELS, checksum), m.Arm(board.core.boot)):
        wire.link.send(message)
    wire.run(wire.now + 1.5, lambda now: wire.link.send(m.Sync(0)) if round(now * 1000) % 100 == 0 else None)
    assert board.core.armed
    return wire, board


def status(wire: Wire) -> m.StatusReply:
    wire.heard.clear()
    for _ in range(20):
        wire.link.send(m.Status())
        wire.run(wire.now + 0.05)
    return next(message for message in reversed(wire.heard) if isinstance(message, m.StatusReply))


def assert_played(board: CoreBoard, song: Song) -> None:
    """All strikes were played on the ticks that snapping says, and nothing else was."""
    on, off = snap(song.clocks + BEFORE_WRAP, song.rows["width"])
    wanted = sorted(zip(on.tolist(), off.tolist(), song.rows["channel"].tolist(), strict=True))
    assert sorted(board.core.pulses().tolist()) == wanted
    assert board.core.outputs == 0


@pytest.mark.parametrize(("noise", "seed"), [(0.0, 1), (0.005, 1), (0.005, 2), (0.01, 3), (0.01, 4)])
def test_480_strikes_a_second_through_noise_all_played_none_wrong_none_extra(noise, seed):
    wire, board = armed(noise, seed)
    song = Song(wire, 4800, 480.0, first_clock=BEFORE_WRAP)
    wire.run(song.end, song)
    assert_played(board, song)
    counted = status(wire)
    assert counted.fired == 4800
    assert all(getattr(counted, reason) == 0 for reason in m.REFUSALS)
    assert counted.damaged + counted.gaps > 100 or not noise
    assert wire.link.retransmits < 2000


def test_a_host_that_is_held_up_for_0_4_s_misses_nothing():
    wire, board = armed(0.0)
    song = Song(wire, 4800, 480.0, first_clock=BEFORE_WRAP)
    while wire.now < song.end:
        wire.run(wire.now + 0.9, song)
        wire.run(wire.now + 0.4, song, stalled=True)
    assert_played(board, song)


def test_a_queue_that_is_full_takes_all_in_the_end():
    wire, board = armed(0.0)
    song = Song(wire, 900, 600.0, first_clock=BEFORE_WRAP)
    song.lookahead = 1.4  # more than 800 strikes, and 384 slots
    wire.run(song.end, song)
    assert_played(board, song)
    assert wire.link.naks == {}


def test_a_host_that_is_gone_leaves_nothing_on():
    wire, board = armed(0.0)
    song = Song(wire, 4800, 480.0, first_clock=BEFORE_WRAP)
    wire.run(song.start + 1.0, song)
    gone = BEFORE_WRAP + round(wire.now * m.TICK_RATE)
    wire.run(wire.now + 2.0, song, stalled=True)
    last = int(board.core.edges()["clock"][-1])
    assert gone < last < gone + 0.52 * m.TICK_RATE
    assert not board.core.armed
    assert board.core.outputs == 0


def test_the_raw_stop_ends_a_song_at_once():
    wire, board = armed(0.0)
    song = Song(wire, 4800, 480.0, first_clock=BEFORE_WRAP)
    wire.run(song.start + 1.0, song)
    wire.link.raw_stop()
    told = BEFORE_WRAP + round(wire.now * m.TICK_RATE)
    wire.run(wire.now + 0.5)
    assert int(board.core.edges()["clock"][-1]) < told + 0.011 * m.TICK_RATE
    assert not board.core.armed
    stopped = [message for message in wire.heard if isinstance(message, m.Ack) and message.fault]
    assert {message.fault for message in stopped} <= {m.BoardFault.STOPPED}


def test_snapping_is_the_same_in_both_languages_for_chords_and_close_strikes():
    wire, board = armed(0.0)
    source = np.random.default_rng(8)
    song = Song(wire, 2000, 400.0, first_clock=BEFORE_WRAP)
    song.clocks[:] = np.sort(song.clocks // 20_000 * 20_000 + source.integers(0, 150, 2000))
    song.rows["clock"] = (song.clocks + BEFORE_WRAP) & 0xFFFF_FFFF
    wire.run(song.end, song)
    assert_played(board, song)
