"""Nothing is done to a strike without need, and what a hammer remembers is what its definition says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies as st

from counts import examples
from sequencer.playing import INSTRUMENT, sensitive, straight, strikes
from sequencer.test_laws import (
    TIGHT,
    assert_energy,
    assert_moves_stay_small,
    assert_nothing_is_lost,
    assert_recovery,
)
from xylophone.errors import OptionError
from xylophone.sequencer import Plan, Planner, PlanOptions, sequence
from xylophone.sequencer.plan import drawn
from xylophone.sequencer.state import by_hammer, decayed, drained
from xylophone.tables import Priority, Refusal

STRICT = PlanOptions(roll=False, shift=0.0, softening_db=0.0)
SEEDS = st.integers(0, 10**6)


def runs(seed: int):
    """Return times and widths sorted by hammer, then time, their groups, what three hammers carry over."""
    rng = np.random.default_rng(seed)
    hammer, times = rng.integers(0, 3, 30), np.sort(rng.uniform(0, 5, 30))
    order, _, groups = by_hammer(hammer)
    carried = rng.uniform(0, 1, 3) * rng.integers(0, 2, 3)
    since = np.where(carried > 0, -rng.uniform(0, 1, 3), -np.inf)
    return hammer[order], times[order], rng.uniform(0.005, 0.02, 30), groups, since, carried


@given(SEEDS, st.sampled_from([0.005, 0.05, 1.0, 600.0]))
def test_warmth_is_the_sum_of_all_that_came_before_each_decayed(seed: int, constant: float) -> None:
    hammer, times, amounts, groups, since, carried = runs(seed)
    found = decayed(times, amounts, groups, constant, since, carried)
    for n, time in enumerate(times):
        mine = (hammer == hammer[n]) & (np.arange(len(times)) < n)
        left = carried[hammer[n]] * np.exp(-(time - since[hammer[n]]) / constant)
        assert found[n] == pytest.approx(
            left + np.sum(amounts[mine] * np.exp(-(time - times[mine]) / constant))
        )


@given(SEEDS, st.sampled_from([0.0, 0.01, 0.05, 1.0]))
def test_on_time_is_what_was_used_less_what_was_refilled(seed: int, refill: float) -> None:
    hammer, times, widths, groups, since, carried = runs(seed)
    found = drained(times, widths, groups, np.full(3, refill), since, carried)
    used, last = carried.copy(), since.copy()
    for n, (owner, time) in enumerate(zip(hammer, times, strict=True)):
        left = max(0.0, used[owner] - refill * (time - last[owner])) if np.isfinite(last[owner]) else 0.0
        used[owner], last[owner] = left + widths[n], time
        assert found[n] == pytest.approx(used[owner])


@examples(15)
@given(SEEDS, st.sampled_from([None, 0.5]))
def test_heat_refuses_what_would_overdraw_and_nothing_else(seed: int, step: float | None) -> None:
    rng = np.random.default_rng(seed)
    hammers = tuple(replace(each, capacity=0.15, refill=0.05) for each in INSTRUMENT.hammers)
    instrument = replace(INSTRUMENT, hammers=hammers)
    times = 1.0 + np.cumsum(rng.choice([0.08, 0.2, 1.5], 60))
    table = strikes(*((float(t), int(rng.integers(0, 2)), float(rng.uniform(1, 127))) for t in times))
    planner, plans = Planner(instrument, straight(instrument), STRICT), []
    planner.add(table)
    for horizon in np.arange(step, times[-1], step) if step else ():
        plans.append(planner.commit(float(horizon)))
    rows = np.concatenate([plan.rows for plan in [*plans, planner.finish()]])
    rows = rows[np.argsort(rows["time"], kind="stable")]
    for hammer in range(2):
        used, last = 0.0, 0.0
        for row in rows[rows["hammer"] == hammer]:
            part = (row["level"] + 20) / 20
            start, width = row["time"] + row["moved"] - 0.024 + 0.008 * part, 0.008 + 0.008 * part
            left = max(0.0, used - 0.05 * (start - last))
            assert (left + width > 0.15) == (row["refused"] == Refusal.HEAT) or row[
                "refused"
            ] == Refusal.RECOVERY
            if row["refused"] == Refusal.NONE:
                used, last = left + width, start


def test_a_bucket_that_earlier_commits_have_emptied_refuses_the_next_strike_alone() -> None:
    hammers = tuple(replace(each, capacity=0.1, refill=0.05) for each in INSTRUMENT.hammers)
    planner, refused = Planner(replace(INSTRUMENT, hammers=hammers), straight(), STRICT), []
    for n in range(12):
        planner.add(strikes((1.0 + 0.1 * n, 5, 127.0)))
        refused.append(planner.commit(1.05 + 0.1 * n).refusals.get("heat", 0))
    assert refused == [0] * 8 + [1, 0, 1, 1]  # 16 ms are used each time, 5 ms come back


@examples(30)
@given(SEEDS)
def test_the_supply_refuses_what_would_pass_its_limit_and_nothing_else(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = [
        (float(t), int(h), float(rng.integers(1, 128)))
        for t in np.cumsum(rng.choice([0.006, 0.012, 0.03, 0.1], 30))
        for h in rng.choice(30, rng.integers(1, 6), replace=False)
    ]
    plan = sequence(strikes(*rows), TIGHT, straight(TIGHT), STRICT)
    sent = plan.rows[plan.rows["refused"] == Refusal.NONE]
    for row in plan.rows[plan.rows["refused"] == Refusal.SUPPLY]:
        part = (row["level"] + 20) / 20
        start = row["time"] - 0.024 + 0.008 * part - 0.002
        near = (sent["start"] < start + 0.012 + 0.008 * part) & (start < sent["start"] + sent["width"])
        assert np.count_nonzero(near) + 1 > TIGHT.supply_limit
        chord = sent[(np.abs(sent["time"] - row["time"]) < 1e-9) & near]
        assert len(chord) == 0 or row["level"] <= chord["level"].max() + 1e-9


@given(st.permutations(range(30)))
def test_of_a_chord_that_is_too_large_the_loudest_are_struck(order: list[int]) -> None:
    loud = [10.0 + 4 * n for n in order]
    plan = sequence(strikes(*((1.0, n, loud[n]) for n in range(30))), INSTRUMENT, straight(), STRICT)
    struck = np.array(loud)[plan.rows["refused"] == Refusal.NONE]
    assert sorted(struck)[-7:] == sorted(loud)[-7:]


@examples(5)
@given(SEEDS, st.integers(3, 60))
def test_large_chords_planned_in_small_steps_keep_every_law(seed: int, step_ms: int) -> None:
    rng = np.random.default_rng(seed)
    rows = [
        (float(t), int(h), float(rng.integers(1, 128)), int(rng.integers(0, 3)))
        for t in 1.0 + np.cumsum(rng.choice([0.004, 0.012, 0.03, 0.1], 12))
        for h in rng.choice(30, rng.integers(1, 9), replace=False)
    ]
    table = strikes(*rows)
    planner, plans = Planner(TIGHT, sensitive(TIGHT)), []
    planner.add(table)
    before = -np.inf
    for horizon in (*np.arange(0.9, rows[-1][0], step_ms / 1000), np.inf):
        plans.append(planner.commit(float(horizon)))
        assert plans[-1].lead_in == 0.0
        assert not (plans[-1].rows["start"] < before).any(), "what was not due was sent after all"
        before = horizon
    whole = Plan(TIGHT, np.concatenate([plan.rows for plan in plans]), 0.0)
    assert "late" not in whole.refusals  # all was known beforehand
    assert_nothing_is_lost(whole, table)
    assert_recovery(whole)
    assert_energy(whole)
    assert_moves_stay_small(whole, PlanOptions())
    assert whole.peak_current <= TIGHT.supply_limit + 1e-9
    assert not whole.rows["softened"][whole.rows["priority"] != Priority.INNER].any()


@given(SEEDS)
def test_what_is_drawn_is_the_sum_of_what_runs_and_what_ends_as_another_starts_is_no_more(seed: int) -> None:
    rng = np.random.default_rng(seed)
    start = np.sort(rng.integers(0, 30, 20)).astype(float)
    end, current = start + rng.integers(1, 8, 20), rng.uniform(0.5, 3.0, 20)
    found = drawn(start, end, current)
    last = np.flatnonzero(
        np.diff(start, append=np.inf) > 0
    )  # of pulses that start at once, the last sees all
    for n in last:
        assert found[n] == pytest.approx(current[(start <= start[n]) & (start[n] < end)].sum())


@given(st.integers(4, 8), st.sampled_from([0.012, 0.03, 0.06]))
def test_a_roll_rises_evenly_and_within_its_limit(size: int, limit: float) -> None:
    options = PlanOptions(shift=0.0, softening_db=0.0, roll_limit=limit)
    plan = sequence(strikes(*((1.0, n) for n in range(size))), TIGHT, straight(TIGHT), options)
    moved = plan.rows["moved"][plan.rows["refused"] == Refusal.NONE]
    assert moved.max() <= limit + 1e-9
    assert np.diff(moved) == pytest.approx(moved[-1] / (len(moved) - 1))


def test_after_an_end_with_nothing_left_later_strikes_are_played() -> None:
    planner = Planner(INSTRUMENT, straight())
    planner.finish()
    planner.add(strikes((1.0, 3)))
    assert planner.finish().refused == ()


def test_what_recovery_has_refused_is_not_said_to_be_late() -> None:
    planner = Planner(INSTRUMENT, straight())
    planner.add(strikes((1.0, 3), (1.01, 3)))
    planner.commit(0.985)
    assert planner.commit(1.5, now=1.2).refusals == {"recovery": 1}


@pytest.mark.parametrize("key", ["velocity", "hammer"])
def test_a_mistake_names_the_value_that_is_wrong(key: str) -> None:
    table = strikes((1.0, 3), (1.1, 4), (1.2, 5))
    table[key][1] = 200
    with pytest.raises(OptionError, match=f"{key} 200 is out of range"):
        Planner(INSTRUMENT, straight()).add(table)
