"""From strikes to pulses: latency, loudness, recovery, heat, and what is made up for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sequencer.playing import INSTRUMENT, sensitive, straight, strikes
from xylophone.errors import CalibrationError, OptionError
from xylophone.instrument import Instrument, build_instrument
from xylophone.sequencer import Planner, PlanOptions, sequence
from xylophone.tables import Priority


def test_a_pulse_starts_its_latency_before_the_contact() -> None:
    plan = sequence(strikes((1.0, 0, 127.0)), INSTRUMENT, straight())
    assert plan.rows["width"] == pytest.approx([0.016])
    assert plan.pulses["start"] == pytest.approx([1.0 - 0.016])
    assert plan.lead_in == 0.0


def test_loudness_chooses_the_width_and_the_width_the_latency() -> None:
    plan = sequence(strikes((1.0, 0, 1.0), (1.0, 1, 64.0), (1.0, 2, 127.0)), INSTRUMENT, straight())
    assert plan.rows["level"] == pytest.approx([-20.0, -10.0, 0.0])
    assert plan.rows["width"] == pytest.approx([0.008, 0.012, 0.016])
    assert plan.rows["start"] == pytest.approx([0.976, 0.980, 0.984])


def test_a_piece_that_begins_at_once_is_led_in_by_exactly_its_latency() -> None:
    plan = sequence(strikes((0.0, 0, 1.0), (0.5, 1)), INSTRUMENT, straight())
    assert plan.lead_in == pytest.approx(0.024)
    assert plan.pulses["start"][0] == 0.0
    assert plan.rows["time"] == pytest.approx([0.024, 0.524])


def test_a_soft_strike_may_start_before_an_earlier_loud_one_and_pulses_are_sorted_by_start() -> None:
    plan = sequence(strikes((1.0, 0, 127.0), (1.004, 1, 1.0)), INSTRUMENT, straight())
    assert plan.pulses["strike"].tolist() == [1, 0]
    assert plan.pulses["start"] == pytest.approx([0.980, 0.984])


def test_a_hammer_that_cannot_reach_the_common_scale_gives_what_it_can() -> None:
    level = np.tile([-20.0, -10.0, 0.0], (30, 1))
    level[4] = [-18.0, -12.0, -6.0]
    plan = sequence(strikes((1.0, 4, 127.0), (1.0, 5, 127.0)), INSTRUMENT, straight(level=level))
    assert plan.top_db == pytest.approx(0.0)
    assert plan.rows["level"] == pytest.approx([-6.0, 0.0])


def test_a_hammer_is_never_struck_before_it_is_ready() -> None:
    plan = sequence(strikes((1.0, 5), (1.02, 5), (1.07, 5)), INSTRUMENT, straight())
    assert [refused.why for refused in plan.refused] == ["hammer C5 is ready again at 1.070 s"]
    assert plan.refused[0].time == pytest.approx(1.02)
    assert plan.refusals == {"recovery": 1}


def test_a_strike_that_comes_a_little_early_is_moved_and_the_move_is_written_down() -> None:
    plan = sequence(strikes((1.0, 5), (1.068, 5)), INSTRUMENT, straight())
    assert plan.rows["moved"] == pytest.approx([0.0, 0.002])
    assert plan.rows["time"] == pytest.approx([1.0, 1.068])
    assert plan.refused == ()


def test_of_two_strikes_that_cannot_both_be_the_melody_stays() -> None:
    table = strikes((1.0, 5, 64.0, Priority.INNER), (1.03, 5, 64.0, Priority.MELODY))
    plan = sequence(table, INSTRUMENT, straight())
    assert plan.rows["refused"].astype(bool).tolist() == [True, False]
    assert plan.refused[0].why == "hammer C5 is ready again at 1.100 s"


def test_a_trill_passes_the_heat_limit_and_an_overload_does_not() -> None:
    times = np.arange(0, 60, 0.08)
    trill = sequence(strikes(*((t, 5, 127.0) for t in times[:100])), INSTRUMENT, straight())
    assert trill.refused == ()
    small = _with(INSTRUMENT, capacity=1.0, refill=0.1)
    overload = sequence(strikes(*((t, 5, 127.0) for t in times)), small, straight())
    sent = overload.rows["width"].sum()
    assert overload.refusals.keys() == {"heat"}
    assert 0.95 * (1.0 + 0.1 * 60) <= sent <= 1.0 + 0.1 * 60
    assert "has used its 1.0 s of on-time" in overload.refused[0].why


def test_sag_of_other_coils_is_made_up_for_by_width_and_start() -> None:
    alone = sequence(strikes((1.0, 0)), INSTRUMENT, sensitive())
    chord = sequence(strikes(*((1.0, n) for n in range(6))), INSTRUMENT, sensitive())
    loss = 5 * 0.008  # five others of 1 A
    extra = chord.rows["width"][0] - alone.rows["width"][0]
    assert 0.6 * loss * 0.015 < extra < loss * 0.015  # their current lags, so less than all of it
    assert chord.rows["start"][0] < alone.rows["start"][0]
    assert (chord.rows["time"] + chord.rows["moved"]) == pytest.approx([1.0] * 6)


def test_a_coil_that_has_warmed_gets_a_longer_pulse() -> None:
    trill = sequence(strikes(*((1.0 + 0.1 * n, 5) for n in range(300))), INSTRUMENT, sensitive())
    kelvin = 0.9 * 0.012 * 299
    grown = trill.rows["width"][-1] - trill.rows["width"][1]
    assert grown == pytest.approx(0.015 * 0.003 * kelvin, rel=0.1)


def test_the_first_strike_after_a_rest_starts_earlier() -> None:
    plan = sequence(strikes((1.0, 5), (1.2, 5), (200.0, 5)), INSTRUMENT, sensitive())
    latency = plan.rows["time"] - plan.rows["start"]
    assert latency[0] - latency[1] == pytest.approx(0.003 - 0.00006, abs=2e-5)
    assert latency[2] == pytest.approx(latency[0], abs=2e-5)


def test_two_plans_of_the_same_strikes_are_the_same() -> None:
    rng = np.random.default_rng(7)
    table = strikes(*((t, int(rng.integers(30)), 90.0) for t in np.sort(rng.uniform(0, 10, 900))))
    one, other = (sequence(table, INSTRUMENT, sensitive()).rows for _ in range(2))
    assert one.tobytes() == other.tobytes()


def test_nothing_to_play_is_an_empty_plan() -> None:
    plan = sequence(strikes(), INSTRUMENT, straight())
    assert (len(plan.rows), len(plan.pulses), plan.peak_current, plan.refused) == (0, 0, 0.0, ())


@pytest.mark.parametrize("wrong", [(1.0, 0, 0.5), (1.0, 0, 128.0), (1.0, 30), (float("nan"), 0)])
def test_a_strike_that_cannot_be_is_refused_at_the_door(wrong: tuple[float, int]) -> None:
    with pytest.raises(OptionError, match=r"out of range|no number"):
        Planner(INSTRUMENT, straight()).add(strikes(wrong))


def test_a_table_of_another_kind_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="dtype STRIKE"):
        Planner(INSTRUMENT, straight()).add(np.zeros(3))


def test_calibration_of_another_kind_of_hammer_is_refused() -> None:
    with pytest.raises(CalibrationError, match=r"jf-0530b, the instrument has zye1-0530: tune it"):
        Planner(INSTRUMENT, straight(kind="jf-0530b"))


def test_calibration_of_other_bars_is_refused() -> None:
    with pytest.raises(CalibrationError, match="no hammer A5"):
        Planner(build_instrument("glockenspiel"), straight().select(("G5", "G#5")))


@pytest.mark.parametrize("option", ["shift", "roll_limit", "softening_db"])
def test_options_are_bounded(option: str) -> None:
    with pytest.raises(OptionError, match=rf"plan option {option} -1.0 is out of range: give 0\.\."):
        PlanOptions(**{option: -1.0})  # type: ignore[arg-type]


def _with(instrument: Instrument, **limits: float) -> Instrument:
    hammers = tuple(replace(hammer, **limits) for hammer in instrument.hammers)
    return Instrument(instrument.name, instrument.kind, hammers, instrument.supply_limit)


def test_a_hammer_too_weak_for_a_level_after_a_rest_strikes_as_loud_as_it_can() -> None:
    shape = (len(INSTRUMENT), 3)
    weak = straight(width=np.tile([0.008, 0.012, 0.021], (30, 1)), width_rest=np.full(shape, 0.003))
    plan = sequence(strikes((1.0, 5, 127.0), (1.2, 5, 127.0)), INSTRUMENT, weak)
    rested, played = plan.rows
    assert played["level"] == pytest.approx(0.0)
    assert -3.0 < rested["level"] < 0.0
    assert 0.0215 < rested["width"] <= 0.022
