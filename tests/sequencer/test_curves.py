"""What a hammer is looked up in, and the bounds that are drawn from it, against plain sums by hammer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies as st

from counts import examples
from sequencer.playing import INSTRUMENT, straight
from xylophone.calibration.values import CURVES, Calibration, SupplyTerms, WarmthTerms
from xylophone.errors import OptionError
from xylophone.instrument import Instrument
from xylophone.sequencer import Planner, PlanOptions
from xylophone.sequencer.curves import Curves

SEEDS = st.integers(0, 10**6)


def some(seed: int) -> tuple[Instrument, Calibration]:
    """Return hammers that are all different, and curves of four knots for them."""
    rng = np.random.default_rng(seed)
    hammers = tuple(
        replace(each, current=rng.uniform(0.5, 2.0), recovery=rng.uniform(0.03, 0.08))
        for each in INSTRUMENT.hammers
    )
    shape = (30, 4)
    curves = {key: rng.uniform(-0.02, 0.03, shape) for key in CURVES}
    curves["width"] = 0.006 + np.cumsum(rng.uniform(0.001, 0.004, shape), axis=1)
    curves["latency"] = rng.uniform(0.01, 0.03, shape)
    calibration = straight(
        level=np.cumsum(rng.uniform(2, 8, shape), axis=1) - 30.0,
        supply=SupplyTerms(0.01, 0.002, *rng.uniform(-0.6, 0.6, 2)),
        warmth=WarmthTerms(0.9, 600.0, 0.003),
        rest_coupling=float(rng.choice([0.0, 1.7])),
        **curves,
    )
    return replace(INSTRUMENT, hammers=hammers), calibration


@given(SEEDS)
@examples(20)
def test_bounds_hold_for_the_worst_that_can_be_at_any_knot(seed: int) -> None:
    instrument, c = some(seed)
    curves = Curves(instrument, c)
    others = instrument.supply_limit - min(hammer.current for hammer in instrument.hammers)
    loss = 0.01 * others * (1 + max(abs(c.supply.width_slope), abs(c.supply.latency_slope))) + 0.003 * 40.0
    terms = {key: np.maximum(0.0, getattr(c, key)) for key in CURVES}
    later = terms["latency_loss"] * loss + terms["latency_loss2"] * loss**2
    wider = terms["width_loss"] * loss + terms["width_loss2"] * loss**2
    rest, both = terms["latency_rest"], terms["width_rest"]
    worst = [
        max(
            c.latency[h, k]
            + later[h, k]
            + rest[h, k]
            + c.rest_coupling * both[h, k] * wider[h, k] / c.width[h, k]
            for k in range(4)
        )
        for h in range(30)
    ]
    assert curves.largest_loss == pytest.approx(loss)
    assert curves.longest_latency == pytest.approx(max(worst))
    longest = [hammer.longest_pulse for hammer in instrument.hammers]
    apart = np.array(worst) - c.latency.min(axis=1) + longest + 0.001
    recoveries = [hammer.recovery for hammer in instrument.hammers]
    assert curves.recovery == pytest.approx(np.maximum(recoveries, apart))
    lead = Planner(instrument, c, PlanOptions(shift=0.002)).lead
    assert lead == pytest.approx(max(worst) + max(longest) + 0.002 + 0.005)


@given(SEEDS)
@examples(20)
def test_a_strike_gets_what_lies_between_its_knots(seed: int) -> None:
    instrument, c = some(seed)
    curves, rng = Curves(instrument, c), np.random.default_rng(seed)
    hammer, velocity = rng.permutation(30), rng.choice([1.0, 127.0, 40.0, 77.7], 30)
    level = curves.level(hammer, velocity)
    common = curves.bottom_db + (curves.top_db - curves.bottom_db) * (velocity - 1) / 126
    assert level == pytest.approx(
        [np.clip(db, *c.level[h][[0, -1]]) for db, h in zip(common, hammer, strict=True)]
    )
    level = np.where(rng.integers(0, 4, 30) == 0, c.level[hammer, rng.integers(0, 4, 30)], level)
    found = curves.at(hammer, level)
    loss, rested = rng.uniform(0, 0.2, 30), rng.uniform(0, 1, 30)
    width, latency = found.width_at(loss, rested), found.latency_at(loss, rested)
    for n, h in enumerate(hammer):
        at = {key: np.interp(level[n], c.level[h], getattr(c, key)[h]) for key in CURVES}
        longer = at["width_loss"] * loss[n] + at["width_loss2"] * loss[n] ** 2
        both = c.rest_coupling * at["width_rest"] * rested[n] * longer / at["width"]
        for told, key in ((width[n], "width"), (latency[n], "latency")):
            more = (
                at[f"{key}_loss"] * loss[n]
                + at[f"{key}_loss2"] * loss[n] ** 2
                + at[f"{key}_rest"] * rested[n]
            )
            assert told == pytest.approx(at[key] + more + both, abs=1e-9)
    bars = instrument.hammers
    held = [
        np.clip(w, bars[h].shortest_pulse, bars[h].longest_pulse) for h, w in zip(hammer, width, strict=True)
    ]
    assert curves.bounded(hammer, width) == pytest.approx(held)


@pytest.mark.parametrize(("option", "most"), [("shift", 0.02), ("roll_limit", 0.2), ("softening_db", 20.0)])
def test_options_reach_from_nothing_to_their_most(option: str, most: float) -> None:
    for value in (0.0, most):
        assert getattr(PlanOptions(**{option: value}), option) == value  # type: ignore[arg-type]
    with pytest.raises(OptionError, match=rf"{option} {most * 1.01} is out of range: give 0\.\.{most}"):
        PlanOptions(**{option: most * 1.01})  # type: ignore[arg-type]


def test_what_may_be_done_unless_it_is_said_otherwise() -> None:
    assert PlanOptions() == PlanOptions(roll=True, shift=0.003, roll_limit=0.030, softening_db=3.0)
