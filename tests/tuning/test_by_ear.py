"""A session of tuning by ear, without terminal and clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies as st

from xylophone.calibration.file import default_calibration
from xylophone.calibration.values import CURVES, Calibration
from xylophone.errors import CalibrationError, OptionError
from xylophone.instrument import Instrument, build_instrument
from xylophone.tuning.by_ear import SPACING, Beat, ByEar, Company, Pattern
from xylophone.tuning.edits import middle

INSTRUMENT = build_instrument()
DEFAULT = default_calibration(INSTRUMENT)
C6 = INSTRUMENT.index("C6")
START = ByEar.begin(INSTRUMENT, DEFAULT, C6)

Act = Callable[[ByEar], ByEar]

EDITS: dict[str, tuple[Act, str]] = {
    "latency": (lambda now: now.nudge_latency(1e-4), "latency +0.1 ms"),
    "typed": (lambda now: now.set_latency(now.latency - 2e-4), "latency -0.2 ms"),
    "softest": (lambda now: now.nudge_pulses(softest=-1e-4), "softest -0.1 ms"),
    "loudest": (lambda now: now.nudge_pulses(loudest=1e-4), "loudest +0.1 ms"),
    "louder": (lambda now: now.louder(0.5), "louder +0.5 dB"),
}


def same(one: Calibration, other: Calibration) -> bool:
    """Tell whether all curves are exactly the same."""
    return all(np.array_equal(getattr(one, key), getattr(other, key)) for key in ("level", *CURVES))


def names(*bars: str) -> tuple[int, ...]:
    return tuple(INSTRUMENT.index(bar) for bar in bars)


def alone(bar: str = "C6") -> Instrument:
    """An instrument of one bar."""
    return replace(INSTRUMENT, hammers=(INSTRUMENT.hammers[INSTRUMENT.index(bar)],))


# Changes


@pytest.mark.parametrize("name", EDITS)
def test_a_change_is_told_taken_back_and_made_again(name: str) -> None:
    act, words = EDITS[name]
    changed = act(START)
    assert changed.unsaved == {"C6": words}
    assert changed.heard is changed.calibration
    back = changed.undo()
    assert back.unsaved == {}
    assert same(back.calibration, DEFAULT)
    again = back.redo()
    assert again.unsaved == {"C6": words}
    assert same(again.calibration, changed.calibration)
    assert START.unsaved == {}


def test_figures_are_those_of_the_chosen_hammer() -> None:
    assert START.latency == middle(DEFAULT, C6)[2]
    assert START.pulses == (DEFAULT.width[C6, 0], DEFAULT.width[C6, -1])
    assert START.set_latency(0.0184).latency == pytest.approx(0.0184)
    moved = START.nudge_pulses(softest=-0.001).nudge_pulses(loudest=0.002)
    assert moved.pulses == pytest.approx((DEFAULT.width[C6, 0] - 0.001, DEFAULT.width[C6, -1] + 0.002))


def test_nudging_forth_and_back_leaves_nothing_unsaved() -> None:
    there = START.nudge_latency(1e-4).nudge_pulses(loudest=1e-4).louder(0.5)
    assert there.unsaved == {"C6": "latency +0.1 ms, loudest +0.1 ms, louder +0.5 dB"}
    assert there.louder(-0.5).nudge_pulses(loudest=-1e-4).nudge_latency(-1e-4).unsaved == {}


def test_a_change_after_undo_forgets_what_was_taken_back() -> None:
    other = START.nudge_latency(1e-3).undo().louder(1.0)
    with pytest.raises(CalibrationError, match="nothing to redo"):
        other.redo()
    assert other.undo().unsaved == {}


def test_undo_and_redo_return_to_the_bar_they_change() -> None:
    two = START.nudge_latency(1e-3).choose(C6 + 1).nudge_latency(2e-3).choose(3)
    one = two.undo()
    assert (one.place, one.unsaved) == (C6 + 1, {"C6": "latency +1 ms"})
    none = one.undo()
    assert (none.place, none.unsaved) == (C6, {})
    assert (none.redo().place, none.redo().redo().place) == (C6, C6 + 1)
    assert none.redo().redo().unsaved == {"C6": "latency +1 ms", "C#6": "latency +2 ms"}


def test_only_the_chosen_hammer_changes() -> None:
    new = START.nudge_latency(1e-3).nudge_pulses(loudest=1e-3).louder(2.0).calibration
    for key in ("level", *CURVES):
        others = np.delete(getattr(new, key) - getattr(DEFAULT, key), C6, axis=0)
        assert not others.any()
    assert [name for name, origin in zip(new.hammers, new.origin, strict=True) if origin == "set"] == ["C6"]


@given(st.lists(st.sampled_from(sorted(EDITS)), max_size=12))
def test_as_many_undos_as_changes_lead_back(acts: list[str]) -> None:
    now = START
    for name in acts:
        now = EDITS[name][0](now)
    last = now
    for _ in acts:
        now = now.undo()
    assert same(now.calibration, DEFAULT)
    with pytest.raises(CalibrationError, match="nothing to undo"):
        now.undo()
    for _ in acts:
        now = now.redo()
    assert same(now.calibration, last.calibration)


# Limits


def test_pulses_stay_within_the_limits_of_the_hammer() -> None:
    limited = replace(INSTRUMENT.hammers[C6], shortest_pulse=0.009, longest_pulse=0.015)
    hammers = (*INSTRUMENT.hammers[:C6], limited, *INSTRUMENT.hammers[C6 + 1 :])
    now = ByEar.begin(replace(INSTRUMENT, hammers=hammers), DEFAULT, C6)
    rule = r"pulse of C6 would be 15\.03 ms: its limits are 9\.\.15 ms; stay within, or set longest_pulse_ms"
    for _ in range(5):
        now = now.nudge_pulses(loudest=1e-4)
    with pytest.raises(CalibrationError, match=rule):
        now.nudge_pulses(loudest=1e-4)
    with pytest.raises(CalibrationError, match="set shortest_pulse_ms"):
        now.nudge_pulses(softest=-1e-3)


def test_a_pulse_beyond_a_limit_may_come_back_and_keeps_nobody_from_the_other() -> None:
    limited = replace(INSTRUMENT.hammers[C6], longest_pulse=0.014)
    hammers = (*INSTRUMENT.hammers[:C6], limited, *INSTRUMENT.hammers[C6 + 1 :])
    now = ByEar.begin(replace(INSTRUMENT, hammers=hammers), DEFAULT, C6)
    assert now.pulses[1] > 0.0141
    assert now.nudge_pulses(loudest=-1e-4).unsaved == {"C6": "loudest -0.1 ms"}
    assert now.nudge_pulses(softest=1e-4).unsaved == {"C6": "softest +0.1 ms"}
    with pytest.raises(CalibrationError, match=r"6\.\.14 ms"):
        now.nudge_pulses(loudest=1e-4)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda now: now.nudge_latency(-0.03), "latency of C6 would be"),
        (lambda now: now.set_latency(0.9), "must stay in 0..500 ms"),
        (lambda now: now.louder(50.0), "give -40..40"),
        (lambda now: now.undo(), "nothing to undo"),
        (lambda now: now.redo(), "nothing to redo"),
        (lambda now: now.nudge_pulses(softest=0.006), "softest must be above 0 and below the loudest"),
        (lambda now: now.choose(-1), "C6 is the lowest bar: there is none below it"),
        (lambda now: now.choose(30), "C6 is the highest bar: there is none above it"),
    ],
)
def test_what_cannot_be_done_is_one_line(act: Act, words: str) -> None:
    with pytest.raises(CalibrationError, match=words) as raised:
        act(START)
    assert "\n" not in str(raised.value)


def test_a_change_that_leaves_no_common_loudness_is_refused() -> None:
    two = replace(INSTRUMENT, hammers=INSTRUMENT.hammers[C6 : C6 + 2])
    now = ByEar.begin(two, DEFAULT, 0).louder(10.0).choose(1)
    with pytest.raises(CalibrationError, match="no common loudness"):
        now.louder(-10.0)


@pytest.mark.parametrize("key", ["set_latency", "louder"])
def test_what_no_hammer_of_the_kind_is_like_is_refused_with_the_remedy(key: str) -> None:
    wanted = 0.3 if key == "set_latency" else 13.0
    with pytest.raises(
        CalibrationError, match=r"C6 .* kind zye1-0530 .* insist with: xylophone tune set C6 --fo"
    ):
        getattr(START, key)(wanted)


def test_hammers_that_the_instrument_has_not_stay() -> None:
    few = replace(INSTRUMENT, hammers=INSTRUMENT.hammers[C6:])
    now = ByEar.begin(few, DEFAULT, 0).nudge_latency(1e-3)
    assert now.calibration.hammers == DEFAULT.hammers
    assert now.unsaved == {"C6": "latency +1 ms"}
    assert now.latency == pytest.approx(START.latency + 1e-3)


# Old and new, saved and not


def test_old_curves_are_heard_without_losing_the_new_ones() -> None:
    new = START.nudge_latency(1e-3)
    old = new.compare()
    assert old.heard is DEFAULT
    assert (old.latency, old.unsaved) == (START.latency, new.unsaved)
    assert old.compare().heard is new.calibration


def test_a_change_is_made_to_the_new_curves_and_heard() -> None:
    now = START.nudge_latency(1e-3).compare().nudge_latency(1e-3)
    assert not now.hears_old
    assert now.unsaved == {"C6": "latency +2 ms"}
    assert not now.compare().undo().hears_old


def test_what_is_kept_is_saved_and_old_is_still_as_it_was_at_the_beginning() -> None:
    kept = START.nudge_latency(1e-3).kept()
    assert (kept.unsaved, kept.written) == ({}, {"C6": "latency +1 ms"})
    assert kept.compare().heard is DEFAULT
    assert kept.undo().unsaved == {"C6": "latency -1 ms"}
    assert kept.louder(1.0).written == {"C6": "latency +1 ms"}


# What is struck


def test_alone_it_sounds_once() -> None:
    assert START.pattern == Pattern((Beat(0.0, (C6,), 80.0),))
    assert START.pattern.period == 0


def test_in_turn_with_its_neighbours_evenly_again_and_again() -> None:
    pattern = START.listen(Company.IN_TURN).pattern
    assert [beat.hammers for beat in pattern.beats] == [(n,) for n in names("B5", "C6", "C#6")]
    assert [beat.time for beat in pattern.beats] == [0.0, SPACING, 2 * SPACING]
    assert [pattern.gap(n) for n in range(3)] == [SPACING] * 3
    assert SPACING == 0.25


@pytest.mark.parametrize(("place", "turns"), [(0, [1, 0, 1]), (29, [28, 29, 28])])
def test_at_an_end_the_one_neighbour_stands_for_both(place: int, turns: list[int]) -> None:
    pattern = START.choose(place).listen(Company.IN_TURN).pattern
    assert [beat.hammers for beat in pattern.beats] == [(turn,) for turn in turns]


def test_together_with_the_reference_at_one_instant() -> None:
    now = START.listen(Company.TOGETHER).strike_at(100)
    assert now.pattern == Pattern((Beat(0.0, names("B5", "C6"), 100.0),), 2 * SPACING)
    assert now.refer(1).pattern.beats[0].hammers == names("C#6", "C6")


def test_the_same_company_again_is_none() -> None:
    now = START.listen(Company.IN_TURN).listen(Company.TOGETHER)
    assert now.company is Company.TOGETHER
    assert now.listen(Company.TOGETHER).company is Company.ALONE


def test_the_nearest_bar_is_the_reference_unless_one_is_chosen() -> None:
    diatonic = build_instrument("diatonic-15")
    now = ByEar.begin(diatonic, default_calibration(diatonic), diatonic.index("E6"))
    assert diatonic.hammers[now.reference].name == "F6"  # a semitone, D6 is two
    chosen = ByEar.begin(INSTRUMENT, DEFAULT, C6, reference=3)
    assert chosen.reference == chosen.choose(C6 + 1).reference == 3
    assert chosen.choose(3).reference == 2


def test_the_reference_moves_past_the_bar_and_around_the_ends() -> None:
    now = START
    seen = []
    for _ in range(29):
        now = now.refer(1)
        seen.append(now.reference)
    assert sorted(seen) == [n for n in range(30) if n != C6]
    assert now.reference == C6 - 1
    assert START.refer(-1).refer(1).reference == C6 - 1
    assert START.choose(0).refer(-1).reference == 29


def test_a_single_bar_has_no_company() -> None:
    now = ByEar.begin(alone(), DEFAULT, 0)
    for act in (
        lambda: now.listen(Company.IN_TURN),
        lambda: now.listen(Company.TOGETHER),
        lambda: now.refer(1),
    ):
        with pytest.raises(CalibrationError, match="C6 is the only bar"):
            act()
    assert now.nudge_latency(1e-3).unsaved


def test_velocities_stay_in_range() -> None:
    assert START.strike_at(130).velocity == 127
    assert START.strike_at(-4).velocity == 1
    with pytest.raises(OptionError, match=r"velocity 0 is out of range: give 1\.\.127"):
        ByEar.begin(INSTRUMENT, DEFAULT, C6, velocity=0)
    with pytest.raises(OptionError, match="reference C6 is the bar that is tuned"):
        ByEar.begin(INSTRUMENT, DEFAULT, C6, reference=C6)
