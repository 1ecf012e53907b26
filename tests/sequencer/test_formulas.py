"""The plan against its formulas: what each pulse must be, worked out anew from the plan's own pulses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies as st

from counts import examples
from sequencer.playing import INSTRUMENT, sensitive, straight, strikes
from xylophone.calibration.values import Calibration
from xylophone.sequencer import Plan, Planner, PlanOptions, sequence
from xylophone.tables import Refusal

AMPLE = replace(INSTRUMENT, supply_limit=100.0)
STRICT = PlanOptions(roll=False, shift=0.0, softening_db=0.0)
SOFTENED = PlanOptions(roll=False, shift=0.0, softening_db=3.0)
SHIFTED = PlanOptions(roll=False, softening_db=0.0)
SEEDS = st.integers(0, 10**6)


def some_strikes(seed: int):
    """Return strikes that overlap now and then, each bar ready again in time."""
    rng = np.random.default_rng(seed)
    chords = np.cumsum(rng.choice([0.004, 0.009, 0.08, 0.5], 30))
    return strikes(
        *(
            (float(t), int(h), float(rng.uniform(1, 100)))
            for t in chords
            for h in rng.choice(30, 2, replace=False)
        )
    )


def assert_formulas_hold(plan: Plan, terms: Calibration, near: float = 1e-5) -> None:
    """Work out the width and start of every pulse from the text of the calibration's terms."""
    rows = plan.rows[plan.rows["refused"] == Refusal.NONE]
    start, end = rows["start"], rows["start"] + rows["width"]
    for n, row in enumerate(rows):
        inside = start[n] + (np.arange(200) + 0.5) / 200 * row["width"]
        others = np.arange(len(rows)) != n
        runs = (start[others, None] + terms.supply.lag <= inside) & (inside < end[others, None])
        current = runs.T @ plan.instrument.column("current")[rows["hammer"][others]]
        ramp = (np.arange(200) + 0.5) / 100 - 1
        mine = (rows["hammer"] == row["hammer"]) & (start < start[n])
        kelvin = terms.warmth.per_second * np.sum(
            rows["width"][mine] * np.exp(-(start[n] - start[mine]) / terms.warmth.time_constant)
        )
        warm = terms.warmth.loss_per_kelvin * kelvin
        width_loss = terms.supply.per_ampere * np.mean(current * (1 + terms.supply.width_slope * ramp)) + warm
        loss = terms.supply.per_ampere * np.mean(current * (1 + terms.supply.latency_slope * ramp)) + warm
        rest = start[n] - end[mine].max() if mine.any() else np.inf
        rested = 1 - np.exp(-rest / terms.rest_time)
        plain = np.interp(row["level"], terms.level[0], terms.width[0])
        width = plain + 0.015 * width_loss + 0.0003 * rested * (1 + 2.0 * 0.015 * width_loss / plain)
        both = 2.0 * 0.0003 * rested * 0.015 * loss / plain
        latency = 0.024 - 0.008 * (row["level"] + 20) / 20 + 0.020 * loss + 0.003 * rested + both
        assert row["width"] == pytest.approx(width, abs=near)
        assert row["time"] + row["moved"] - start[n] == pytest.approx(latency, abs=near)


@examples(8)
@given(SEEDS)
def test_every_pulse_is_what_its_formula_gives_under_the_sag_warmth_and_rest_of_the_plan(seed: int) -> None:
    assert_formulas_hold(sequence(some_strikes(seed), AMPLE, sensitive(AMPLE), STRICT), sensitive(AMPLE))


@examples(4)
@given(SEEDS, st.integers(40, 400))
def test_planned_in_steps_every_pulse_is_what_its_formula_gives(seed: int, step_ms: int) -> None:
    table = some_strikes(seed)
    table["time"] += 1.0
    planner, plans = Planner(AMPLE, sensitive(AMPLE), STRICT), []
    planner.add(table)
    for horizon in np.arange(0, table["time"][-1], step_ms / 1000):
        plans.append(planner.commit(float(horizon)))
    plans.append(planner.finish())
    whole = np.concatenate([plan.rows for plan in plans])
    assert sorted(whole["source"].tolist()) == table["source"].tolist()
    assert not np.isin(whole["refused"], (Refusal.LATE, Refusal.SUPPLY)).any()
    assert_formulas_hold(Plan(AMPLE, whole, 0.0), sensitive(AMPLE))


@examples(12)
@given(SEEDS)
def test_hammers_too_weak_for_a_crowd_strike_softer_and_by_their_formula(seed: int) -> None:
    rng = np.random.default_rng(seed)
    weak = replace(sensitive(), width=np.tile([0.008, 0.014, 0.0217], (30, 1)))
    rows = [
        (float(time), int(hammer), float(rng.choice([64, 100, 127])))
        for time in np.cumsum(rng.choice([0.012, 0.02, 0.05], 16))
        for hammer in rng.choice(30, rng.integers(2, 8), replace=False)
    ]
    plan = sequence(strikes(*rows), INSTRUMENT, weak, SOFTENED)
    sent = plan.rows[plan.rows["refused"] == Refusal.NONE]
    assert_formulas_hold(plan, weak, 2e-5)
    less = -20 + 20 * (sent["velocity"] - 1) / 126 - sent["softened"] - sent["level"]
    assert (less >= -1e-6).all()
    assert (sent["width"] <= 0.022 + 1e-9).all()


@examples(20)
@given(SEEDS)
def test_strikes_that_the_supply_moves_towards_each_other_keep_recovery(seed: int) -> None:
    """A chord is struck twice, recovery apart: what runs before it pushes it on, what runs after it back."""
    rng = np.random.default_rng(seed)
    latency = np.tile([0.024, 0.020, 0.016], (30, 1))
    latency[20:] = 0.004  # quick hammers: meant to be heard sooner than the chord, their coils go on later
    rows = []
    for begin in np.arange(0.1, 6.0, 0.4):
        chord, again = rng.permutation(10)[: rng.integers(2, 6)], begin + rng.uniform(0.0702, 0.0758)
        before, after = begin - rng.uniform(0.0095, 0.0113), again - rng.uniform(0.0051, 0.0064)
        for moment, hammers in (
            (before, range(10, 17)),
            (begin, chord),
            (after, range(20, 27)),
            (again, chord),
        ):
            rows += [(float(moment), int(hammer)) for hammer in hammers]
    plan = sequence(strikes(*sorted(rows)), INSTRUMENT, straight(latency=latency), SHIFTED)
    sent = plan.rows[plan.rows["refused"] == Refusal.NONE]
    for hammer in range(30):
        contacts = np.sort((sent["time"] + sent["moved"])[sent["hammer"] == hammer])
        assert (np.diff(contacts) >= 0.070 - 1e-9).all()
