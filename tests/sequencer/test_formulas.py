"""The plan against its formulas: what each pulse must be, worked out anew from the plan's own pulses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from sequencer.playing import INSTRUMENT, sensitive, straight, strikes
from xylophone.sequencer import Plan, Planner, PlanOptions, sequence
from xylophone.tables import Refusal

AMPLE = replace(INSTRUMENT, supply_limit=100.0)
STRICT = PlanOptions(roll=False, shift=0.0, softening_db=0.0)
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


def assert_formulas_hold(plan: Plan) -> None:
    """Work out the width and start of every pulse from the text of the calibration's terms."""
    terms = sensitive(AMPLE)
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
        part = (row["level"] + 20) / 20
        width = 0.008 + 0.008 * part + 0.015 * width_loss + 0.0003 * rested
        latency = 0.024 - 0.008 * part + 0.020 * loss + 0.003 * rested
        assert row["width"] == pytest.approx(width, abs=1e-5)
        assert row["time"] + row["moved"] - start[n] == pytest.approx(latency, abs=1e-5)


@settings(max_examples=8)
@given(SEEDS)
def test_every_pulse_is_what_its_formula_gives_under_the_sag_warmth_and_rest_of_the_plan(seed: int) -> None:
    assert_formulas_hold(sequence(some_strikes(seed), AMPLE, sensitive(AMPLE), STRICT))


@settings(max_examples=4)
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
    assert_formulas_hold(Plan(AMPLE, whole, 0.0))


@settings(max_examples=20)
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
