"""Over the supply limit: shifted, then softened, then rolled, then dropped; and said so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sequencer.playing import INSTRUMENT, sensitive, straight, strikes
from xylophone.sequencer import PlanOptions, sequence
from xylophone.tables import Priority

STRICT = PlanOptions(roll=False, shift=0.0, softening_db=0.0)


def test_the_largest_chord_that_info_names_is_struck_at_once() -> None:
    chord = strikes(*((1.0, n) for n in range(INSTRUMENT.largest_chord)))
    plan = sequence(chord, INSTRUMENT, straight(), STRICT)
    assert plan.refused == ()
    assert plan.peak_current == pytest.approx(INSTRUMENT.supply_limit)


def test_one_more_is_refused_when_nothing_else_is_allowed_and_it_is_the_least_important() -> None:
    chord = strikes(*((1.0, n, 64.0, Priority.MELODY if n == 8 else Priority.INNER) for n in range(9)))
    plan = sequence(chord, INSTRUMENT, straight(), STRICT)
    assert plan.refusals == {"supply": 1}
    assert plan.refused[0].why == "the supply limit of 8 A is taken by strikes of the same moment"
    assert not plan.rows["refused"][8]


def test_pulses_that_overlap_by_little_are_shifted_apart() -> None:
    first = [(1.0, n, 64.0, Priority.INNER) for n in range(8)]
    second = [(1.0105, 8 + n, 64.0, Priority.INNER) for n in range(8)]  # 1.5 ms of overlap
    plan = sequence(strikes(*first, *second), INSTRUMENT, straight(), PlanOptions(softening_db=0.0))
    moved = plan.rows["moved"]
    assert plan.refused == ()
    assert not plan.rows["rolled"].any()
    assert np.abs(moved).max() <= 0.003 + 1e-9
    assert moved[8:] == pytest.approx([0.002] * 8)
    assert plan.peak_current <= INSTRUMENT.supply_limit + 1e-9


def test_an_inner_note_is_softened_before_a_chord_is_rolled_and_never_the_melody() -> None:
    first = [(1.0, n, 127.0, Priority.MELODY if n == 7 else Priority.INNER) for n in range(8)]
    after = [(1.0145, 8 + n, 127.0, Priority.INNER) for n in range(7)]  # overlaps by 1.5 ms
    plan = sequence(strikes(*first, *after), INSTRUMENT, straight(), PlanOptions(shift=0.0))
    soft = plan.rows["softened"]
    assert plan.refused == ()
    assert soft[:7] == pytest.approx([3.0] * 7)  # their pulses end 2.4 ms sooner
    assert soft[7:].tolist() == [0.0] * 8
    assert not plan.rows["rolled"].any()
    assert plan.rows["level"] == pytest.approx(-soft)
    assert plan.peak_current <= INSTRUMENT.supply_limit


def test_a_full_chord_is_rolled_upwards_within_the_limit_and_reported() -> None:
    plan = sequence(strikes(*((1.0, n) for n in range(12))), INSTRUMENT, straight())
    assert plan.refused == ()
    assert plan.rows["rolled"].all()
    assert plan.rows["moved"][0] == 0.0
    assert (np.diff(plan.rows["moved"]) > 0).all()
    assert plan.rows["moved"].max() <= 0.030 + 1e-9
    assert plan.peak_current <= INSTRUMENT.supply_limit


def test_what_not_even_a_roll_can_save_is_dropped_from_the_least_important() -> None:
    rows = [
        (1.0, n, 64.0, Priority.MELODY if n == 29 else Priority.BASS if n == 0 else Priority.INNER)
        for n in range(30)
    ]
    plan = sequence(strikes(*rows), INSTRUMENT, straight())
    dropped = plan.rows["refused"].astype(bool)
    assert plan.refusals.keys() == {"supply"}
    assert dropped[1:29].any()
    assert not dropped[0]
    assert not dropped[29]
    assert plan.peak_current <= INSTRUMENT.supply_limit


def test_a_melody_note_pushes_out_a_lesser_one_that_came_before_it() -> None:
    first = [(1.0, n, 64.0, Priority.INNER) for n in range(8)]
    plan = sequence(strikes(*first, (1.006, 20, 64.0, Priority.MELODY)), INSTRUMENT, straight(), STRICT)
    assert not plan.rows["refused"][8]
    assert plan.rows["refused"][:8].astype(bool).sum() == 1


def test_moving_for_the_supply_never_breaks_recovery() -> None:
    rng = np.random.default_rng(3)
    rows = [(float(t), int(h)) for t in np.arange(0, 3, 0.071) for h in rng.choice(30, 11, replace=False)]
    plan = sequence(strikes(*rows), INSTRUMENT, sensitive())
    sent = plan.rows[plan.rows["refused"] == 0]
    assert plan.rows["rolled"].any()
    for hammer in range(30):
        contacts = (sent["time"] + sent["moved"])[sent["hammer"] == hammer]
        assert (np.diff(np.sort(contacts)) >= 0.070 - 1e-9).all()


def test_hammers_that_draw_unequal_currents_share_one_limit() -> None:
    hammers = tuple(replace(h, current=4.0) if n < 2 else h for n, h in enumerate(INSTRUMENT.hammers))
    instrument = replace(INSTRUMENT, hammers=hammers)
    assert instrument.largest_chord == 2
    plan = sequence(strikes(*((1.0, n) for n in range(3))), instrument, straight(instrument), STRICT)
    assert plan.refusals == {"supply": 1}
    assert plan.peak_current <= 8.0
