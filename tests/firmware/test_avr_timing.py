"""When edges fall, in cycles of the emulated processor: the shipped image, an idle and a full line."""

from __future__ import annotations

import numpy as np
import pytest

from firmware.emulated import CYCLES_PER_TICK, EmulatedBoard
from firmware.talk import CHANNELS, MS, Talk, at_any_moment, chords, errors, strikes
from link.snapping import snap
from xylophone.link import messages as m

EXACT = 12
"""Cycles (0.75 us) from its tick to an edge, at most; the issue of the chord's last port included."""

SPREAD = 4
"""Cycles between the first and the last hammer of a chord."""

LATER = 500_000
"""Ticks from now to the first strike: 250 ms."""


@pytest.mark.parametrize("flood", [False, True], ids=["idle", "flooded"])
@pytest.mark.parametrize("size", [1, 10, 30])
def test_a_chord_falls_on_its_tick(emulated: EmulatedBoard, size: int, flood: bool) -> None:
    talk = Talk(emulated)
    talk.begin()
    rows = chords(talk.clock + LATER, [size] * 20, 160_137)
    talk.play(rows, flood)
    late, edges = errors(talk, rows)
    assert late.min() >= 0
    assert late.max() <= EXACT
    for chord in np.split(np.sort(edges["cycle"][edges["on"]]), 20):
        assert chord[-1] - chord[0] <= SPREAD
    assert emulated.lost() == 0


@pytest.mark.parametrize("flood", [False, True], ids=["idle", "flooded"])
def test_480_strikes_a_second_at_any_moment(emulated: EmulatedBoard, flood: bool) -> None:
    """Thirty hammers, 16 times a second each, where they happen to fall: every edge on its snapped tick."""
    talk = Talk(emulated)
    talk.begin()
    table = at_any_moment(talk.clock + LATER, seconds=2)
    talk.play(table, flood)
    late, _ = errors(talk, table)
    assert late.min() >= 0
    assert late.max() <= EXACT
    assert talk.status().fired == len(table)


def test_edges_as_close_as_snapping_allows(emulated: EmulatedBoard) -> None:
    """Runs with a group every 33 ticks: on edges 18 to 66 ticks apart, off edges 16 ticks from them."""
    talk = Talk(emulated)
    talk.begin()
    first = talk.clock + LATER
    rows = [
        (first + turn * 100_000 + 33 * place, (10 * turn + place) % CHANNELS, 50 + 7 * place)
        for turn in range(24)
        for place in range(10)
    ]
    table = strikes(rows)
    talk.play(table)
    late, _ = errors(talk, table)
    assert late.min() >= 0
    assert late.max() <= EXACT


def test_what_is_too_dense_to_prepare_is_refused_and_never_late(emulated: EmulatedBoard) -> None:
    """Thirty groups within half a millisecond, again and again: each strike is exact, or counted as late."""
    talk = Talk(emulated)
    talk.begin()
    first = talk.clock + LATER
    rows = [
        (first + turn * 100_000 + 33 * channel, channel, 500 + 7 * channel)
        for turn in range(12)
        for channel in range(CHANNELS)
    ]
    table = strikes(rows)
    talk.play(table)
    on, _ = snap(table["clock"].astype(np.int64), table["width"].astype(np.int64))
    edges = talk.board.channel_edges()
    played = edges["cycle"][edges["on"]]
    nearest = np.searchsorted(talk.cycle(np.unique(on)), played, "right") - 1
    assert (played - talk.cycle(np.unique(on))[nearest]).max() <= EXACT
    status = talk.status()
    assert status.fired == len(played)
    assert status.fired + status.late == len(rows)
    assert status.fired > len(rows) / 3
    assert emulated.outputs() == 0


def test_the_clock_that_the_board_tells_is_the_one_it_plays_by(emulated: EmulatedBoard) -> None:
    talk = Talk(emulated)
    talk.begin()
    for wait in range(0, 200_000, 7_919):
        talk.run(emulated.cycle + wait)
        arrived = talk.send(m.Sync(wait % 65536))
        talk.run(arrived + 3 * MS)
        reply = talk.heard[-1]
        assert isinstance(reply, m.SyncReply)
        assert reply.token == wait % 65536
        exact = (arrived - talk.zero) / CYCLES_PER_TICK
        assert 0 <= reply.received - exact <= 60  # 30 us: a byte may have to wait for an edge
        assert 0 <= reply.sent - reply.received <= 4_000
