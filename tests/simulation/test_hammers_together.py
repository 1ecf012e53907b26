"""Many hammers on one supply, many pulses in a row, and the same in pieces."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies as st

from counts import examples
from simulation.striking import chord, exact, pulses, random_song, same, settled_blow, small
from xylophone.instrument import build_instrument
from xylophone.simulation.hammers import BLOCK, Twin
from xylophone.simulation.readout import Outcome, join

SONG = random_song(120, 6.0)


def in_pieces(twin: Twin, song: np.ndarray, step: float, lookahead: float) -> Outcome:
    """Play a song by calls of `advance`, one for each `step` seconds."""
    parts, begin, now = [], 0, 0.0
    while begin < len(song):
        now += step
        end = int(np.searchsorted(song["start"], now, "right"))
        seen = int(np.searchsorted(song["start"], now + lookahead, "right"))
        parts.append(twin.advance(song[begin:end], now, song[end:seen]))
        begin = end
    return join([*parts, twin.advance(song[:0], np.inf)])


@pytest.mark.parametrize(
    ("kind", "width", "alone", "twelve", "softer"),
    [("jf-0530b", 0.0305, 27.4, 30.8, -1.3), ("zye1-0530", 0.0205, 15.7, 20.4, -2.6)],
)
def test_twelve_coils_on_a_weak_supply_are_late_and_soft(kind, width, alone, twelve, softer):
    one = settled_blow(exact(build_instrument(kind=kind), supply_resistance=0.3), width)
    many = settled_blow(exact(build_instrument(kind=kind), supply_resistance=0.3), width, 12)
    assert 1e3 * one[0] == pytest.approx(alone, abs=0.9)
    assert 1e3 * (many[0] - one[0]) == pytest.approx(twelve - alone, abs=0.5)
    assert many[1] - one[1] == pytest.approx(softer, abs=0.5)


def test_a_supply_without_resistance_lets_nobody_suffer():
    alone = settled_blow(exact(supply_resistance=0.0), 0.012)
    many = settled_blow(exact(supply_resistance=0.0), 0.012, 12)
    assert many == pytest.approx(alone, abs=1e-12)


def test_the_peak_current_is_the_sum_of_the_coils_that_are_on():
    twin = exact()
    assert twin.play(chord(0.0, 0.02, 8)).peak_current == pytest.approx(8 * 12.0 / 12.8, rel=0.03)
    far_apart = pulses(*((1.0 + 0.1 * n, 0.02, n) for n in range(8)))
    assert twin.play(far_apart).peak_current == pytest.approx(12.0 / 12.1, rel=0.03)


def test_a_later_coil_disturbs_only_what_is_still_to_come():
    twin = exact()
    alone = twin.play(pulses((0.0, 0.013, 0))).hits["time"][0]
    twin.reset()
    early = twin.play(pulses((0.0, 0.013, 0), (0.002, 0.013, 1), (0.002, 0.013, 2))).hits["time"]
    twin.reset()
    late = twin.play(pulses((0.0, 0.013, 0), (0.020, 0.013, 1), (0.020, 0.013, 2))).hits["time"]
    assert early[0] > alone + 1e-4
    assert late[0] == alone


def test_time_is_where_one_puts_it():
    here = exact().play(SONG)
    moved = SONG.copy()
    moved["start"] += 3600.0
    there = exact().play(moved)
    there.hits["time"] -= 3600.0
    assert same(here, there, 2e-6)


def test_silence_of_an_hour_costs_no_memory_and_leaves_a_rested_cold_hammer():
    twin = exact()
    outcome = twin.play(pulses((0.0, 0.014, 0), (3600.0, 0.014, 0)))
    assert outcome.hits["time"][1] - 3600.0 == pytest.approx(outcome.hits["time"][0], abs=1e-4)


@pytest.mark.parametrize(("step", "lookahead"), [(0.13, 0.5), (1.0, 0.0)])
def test_played_in_pieces_it_is_the_same(step, lookahead):
    at_once = Twin(build_instrument(), 3).play(SONG)
    pieces = in_pieces(Twin(build_instrument(), 3), SONG, step, lookahead)
    assert same(at_once, pieces, 1e-6)
    assert sorted(at_once.missed) == sorted(pieces.missed)
    assert pieces.peak_current == pytest.approx(at_once.peak_current, abs=1e-3)
    assert pieces.temperatures == pytest.approx(at_once.temperatures, abs=1e-2)
    assert pieces.on_time == pytest.approx(at_once.on_time)


def test_a_long_song_is_played_in_blocks_and_is_the_same_as_in_one():
    song = random_song(2600, 200.0)
    assert len(song) > BLOCK
    blocks = Twin(build_instrument(), 3).play(song)
    assert same(blocks, Twin(build_instrument(), 3).advance(song, np.inf), 1e-6)


def test_a_rested_hammer_is_found_at_home_by_its_next_pulse_whenever_that_comes():
    latencies = []
    for gap in (0.07, 0.098, 0.102, 0.2):
        twin = Twin(build_instrument(), 0, 0.0, 0.0)
        first = pulses(*((0.5 * n, 0.0172, n) for n in range(30)))
        again = pulses(*((0.5 * n + 0.0172 + gap, 0.013, n) for n in range(30)))
        again["strike"] += 30
        hits = twin.play(np.sort(np.concatenate((first, again)), order="start")).hits
        hits = hits[(hits["strike"] >= 30) & ~hits["double"]]
        hits = hits[np.argsort(hits["strike"])]
        latencies.append(hits["time"] - again["start"][hits["strike"] - 30])
    assert np.ptp(latencies, axis=0).max() < 2e-4


def test_pulses_foreseen_that_never_come_leave_no_trace():
    twin, other = exact(), exact()
    first, ghost, last = pulses((0.0, 0.013, 0)), chord(0.004, 0.015, 6), pulses((0.5, 0.013, 0))
    last["strike"] = 1
    parts = [twin.advance(first, 0.002, ghost), twin.advance(last, np.inf)]
    plain = [other.advance(first, 0.002), other.advance(last, np.inf)]
    assert join(plain).hits["strike"].tolist() == [0, 1]
    assert same(join(parts), join(plain), 1e-9)
    assert join(parts).peak_current == join(plain).peak_current


def test_a_coil_that_is_cut_off_flies_on_or_falls_back():
    for moment, heard in ((0.003, 0), (0.0125, 1)):
        twin = exact()
        twin.play(pulses((-1.0, 0.013, 0)))
        started = pulses((0.0, 0.013, 0))
        twin.advance(started, moment)
        twin.cut(moment)
        outcome = twin.advance(started[:0], np.inf)
        assert len(outcome.hits) == heard
        assert len(outcome.missed) == 1 - heard
        assert outcome.on_time[0] == pytest.approx(0.013 + moment)


def test_the_same_twin_does_the_same_bit_for_bit():
    first, second = (Twin(build_instrument(), 5).play(SONG) for _ in range(2))
    assert np.array_equal(first.hits, second.hits)
    twin = Twin(build_instrument(), 5)
    twin.play(SONG)
    twin.reset()
    assert np.array_equal(twin.play(SONG).hits, first.hits)


def test_scatter_has_the_size_that_was_asked_for_and_no_bias():
    song = random_song(1200, 60.0)
    plain = Twin(build_instrument(), 2, 0.0, 0.0).play(song).hits
    rough = Twin(build_instrument(), 2, 0.001, 0.5).play(song).hits
    plain, rough = plain[np.argsort(plain["strike"])], rough[np.argsort(rough["strike"])]
    late, louder = rough["time"] - plain["time"], rough["level"] - plain["level"]
    assert late.std() == pytest.approx(0.001, rel=0.08)
    assert louder.std() == pytest.approx(0.5, rel=0.08)
    assert abs(late.mean()) < 1e-4
    assert abs(np.corrcoef(late, louder)[0, 1]) < 0.1


@examples(10)
@given(
    st.lists(
        st.tuples(st.floats(0.0, 0.4), st.floats(0.0005, 0.03), st.integers(0, 3)),
        min_size=1,
        max_size=10,
    )
)
def test_every_pulse_ends_as_one_first_hit_or_one_miss_however_wild(rows):
    table = pulses(*sorted(rows))
    outcome = exact(small()).play(table)
    first = outcome.hits["strike"][~outcome.hits["double"]]
    assert sorted([*first, *outcome.missed]) == list(range(len(table)))
    assert np.isfinite(outcome.hits["time"]).all()
    assert (np.diff(outcome.hits["time"]) >= 0).all()
    assert (outcome.hits["time"] >= table["start"][outcome.hits["strike"]]).all()


def test_a_coil_wound_for_another_current_draws_it_and_strikes_alike() -> None:
    usual = build_instrument()
    frugal = replace(usual, hammers=tuple(replace(hammer, current=0.5) for hammer in usual.hammers))
    one, other = (
        Twin(instrument, tolerance=0.0, scatter_time=0.0, scatter_level_db=0.0)
        for instrument in (usual, frugal)
    )
    full, half = (twin.play(pulses((0.0, 0.014, 0))) for twin in (one, other))
    assert len(full.hits) == len(half.hits) == 1
    assert half.peak_current == pytest.approx(full.peak_current / 2, rel=0.02)
    assert half.hits["time"] == pytest.approx(full.hits["time"], abs=0.0005)
