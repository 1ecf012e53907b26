"""The planner against the plain one: any strikes, added and committed and taken back in any order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies as st

from counts import examples
from sequencer.plain_planner import Item, PlainPlanner
from sequencer.playing import INSTRUMENT, straight, strikes
from xylophone.sequencer import Plan, Planner, PlanOptions
from xylophone.tables import Refusal

SEEDS = st.integers(0, 10**6)
TICK = 1 / 1024
"""s; all times are multiples, so that what is just in time, just ready or just full happens often."""

QUICK = np.where(np.arange(30) % 4 == 3, 14.0, 0.0)[:, None]  # these start later, and are heard as soon
CALIBRATION = straight(
    width=np.tile([8.0, 12.0, 16.0], (30, 1)) * TICK, latency=([24.0, 20.0, 16.0] - QUICK) * TICK
)
HAMMERS = tuple(
    replace(hammer, recovery=72 * TICK, capacity=104 * TICK, refill=1 / 16, current=1.0 + (place % 3) / 2)
    for place, hammer in enumerate(INSTRUMENT.hammers)
)
CROWDED = replace(INSTRUMENT, hammers=HAMMERS, supply_limit=5.0)


def some_strikes(rng: np.random.Generator, begin: float, hammers: int):
    """Return chords and runs on a few hammers, in no order."""
    rows = [
        (float(time), int(hammer), float(rng.choice([1, 64, 64, 127])), int(rng.integers(0, 3)))
        for time in begin + np.cumsum(rng.choice([0, 2, 5, 9, 16, 36, 69, 72, 75], 8)) * TICK
        for hammer in rng.choice(hammers, rng.integers(1, 1 + min(hammers, 9)), replace=False)
    ]
    return strikes(*(rows[place] for place in rng.permutation(len(rows))))


def assert_same(plan: Plan, items: list[Item], first: int) -> None:
    """Compare a plan with the plain planner's, row by row, and its pulses with its rows."""
    rows = plan.rows
    for key in ("time", "hammer", "velocity", "priority", "source", "refused", "rolled"):
        assert rows[key].tolist() == [getattr(item, key) for item in items], key
    for key in ("moved", "softened"):
        assert rows[key] == pytest.approx([getattr(item, key) for item in items], abs=1e-6), key
    assert rows["level"] == pytest.approx([item.level - item.softened for item in items])
    starts = [np.nan if item.refused else item.start for item in items]
    assert rows["start"] == pytest.approx(starts, abs=1e-9, nan_ok=True)
    assert rows["width"] == pytest.approx([0.0 if item.refused else item.width for item in items])
    ready = {n: item.ready for n, item in enumerate(items) if item.refused == Refusal.RECOVERY}
    assert {n: plan.ready[n] for n in ready} == pytest.approx(ready)
    played = sorted((item.start, first + n, item) for n, item in enumerate(items) if not item.refused)
    assert plan.pulses["strike"].tolist() == [number for _, number, _ in played]
    assert plan.pulses["channel"].tolist() == [CROWDED.hammers[item.hammer].channel for *_, item in played]


@examples(30)
@given(SEEDS)
def test_the_planner_does_what_the_plain_one_does(seed: int) -> None:
    rng = np.random.default_rng(seed)
    options = PlanOptions(
        roll=bool(rng.integers(2)),
        shift=float(rng.choice([0, 4 * TICK])),
        softening_db=float(rng.choice([0, 5, 30 - 10])),
    )
    planner, plain = Planner(CROWDED, CALIBRATION, options), PlainPlanner(CROWDED, CALIBRATION, options)
    horizon, first, hammers = 1.0, 0, int(rng.choice([2, 6, 20, 30]))
    for _ in range(4):
        begin = horizon + float(rng.choice([0, 16, 20, 24, 26, 40])) * TICK
        table = some_strikes(rng, begin, hammers)
        for each in (planner, plain):
            each.add(table)
        last = float(table["time"].max())
        while horizon < last and rng.integers(6):
            horizon += float(rng.choice([4, 8, 20, 64])) * TICK
            now = horizon - float(rng.choice([0, 1, 3, 64])) * TICK
            plan, items = planner.commit(horizon, now), plain.commit(horizon, now)
            assert_same(plan, items, first)
            first += len(items)
        if not rng.integers(4):
            horizon -= float(rng.choice([0, 12, 36, 100])) * TICK
            back = plain.rewind(horizon)
            assert planner.rewind(horizon)["source"].tolist() == [item.source for item in back]
    assert_same(planner.finish(), plain.commit(np.inf), first)
