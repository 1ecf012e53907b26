"""The planner beneath somebody who plays: what may wait until after the hand-over, and when to come again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies as st

from counts import examples
from sequencer.playing import INSTRUMENT, sensitive, straight, strikes
from xylophone.sequencer import Plan, Planner
from xylophone.tables import Refusal, Rows

SEEDS = st.integers(0, 10**6)
SUPPLIES = st.sampled_from([3.0, 8.0, 100.0])


def chord(rng: np.random.Generator, moment: float) -> Rows:
    """Return up to eight strikes in 30 ms from a moment on, in no order."""
    return strikes(
        *(
            (
                moment + float(rng.uniform(0, 0.03)),
                int(hammer),
                float(rng.uniform(1, 127)),
                int(rng.integers(3)),
            )
            for hammer in rng.choice(30, rng.integers(1, 9), replace=False)
        )
    )


def everything_of(plan: Plan) -> tuple[bytes, bytes, list[tuple[int, float]]]:
    return plan.rows.tobytes(), plan.pulses.tobytes(), sorted(plan.ready.items())


@examples(20)
@given(SEEDS, SUPPLIES)
def test_who_settles_between_commits_and_who_does_not_have_the_same_plans(seed: int, supply: float) -> None:
    rng = np.random.default_rng(seed)
    instrument = replace(INSTRUMENT, supply_limit=supply)
    idle, hurried = (Planner(instrument, sensitive(instrument)) for _ in range(2))
    horizon = 0.0
    for _ in range(40):
        horizon += float(rng.choice([0.01, 0.1, 0.4, 3.0]))
        table, now = chord(rng, horizon), horizon - float(rng.uniform(0, 0.1))
        for planner in (idle, hurried):
            planner.add(table)
        assert everything_of(idle.commit(horizon, now)) == everything_of(hurried.commit(horizon, now))
        for _ in range(int(rng.integers(3))):
            idle.settle()
        if not rng.integers(5):
            horizon -= float(rng.choice([0.02, 0.5, 4.0]))
            assert idle.rewind(horizon).tolist() == hurried.rewind(horizon).tolist()
            idle.settle()
    assert everything_of(idle.finish()) == everything_of(hurried.finish())


def test_nothing_is_due_where_nothing_is_pending() -> None:
    planner = Planner(INSTRUMENT, straight())
    assert planner.next_due() == np.inf
    planner.add(strikes())
    assert planner.next_due() == np.inf
    planner.add(strikes((1.0, 0)))
    planner.commit(1.0)
    assert planner.next_due() == np.inf
    planner.add(strikes((2.0, 0)))
    planner.rewind(1.5)
    assert planner.next_due() == np.inf


def test_what_was_added_is_due_when_it_could_begin_at_the_soonest() -> None:
    planner = Planner(INSTRUMENT, straight())  # 24 ms of latency at most, 3 ms of shift
    planner.add(strikes((2.0, 0, 127.0), (1.0, 1, 127.0)))
    assert planner.next_due() == pytest.approx(0.973)


def test_what_a_commit_leaves_is_due_when_its_coil_goes_on() -> None:
    planner = Planner(INSTRUMENT, straight())
    planner.add(strikes((1.0, 0, 127.0), (1.1, 1, 1.0), (1.1, 2, 127.0)))
    planner.commit(1.0)
    assert planner.next_due() == pytest.approx(1.1 - 0.024)
    planner.commit(1.08)
    assert planner.next_due() == pytest.approx(1.1 - 0.016)
    planner.add(strikes((3.0, 5)))
    assert planner.next_due() == pytest.approx(1.1 - 0.027)  # it may have to make room


@examples(20)
@given(SEEDS, SUPPLIES, st.sampled_from([0.0005, 0.005, 0.02]))
def test_who_commits_when_it_is_due_has_nothing_refused_as_late(
    seed: int, supply: float, margin: float
) -> None:
    rng = np.random.default_rng(seed)
    instrument = replace(INSTRUMENT, supply_limit=supply)
    planner = Planner(instrument, sensitive(instrument))
    now, given, rows = 0.0, 0, []
    for arrival in np.cumsum(rng.exponential(0.04, 30)).tolist():
        while planner.next_due() - margin < arrival:
            now = max(now, planner.next_due() - margin) + 1e-6
            rows.append(planner.commit(now + margin, now).rows)
            assert planner.next_due() >= now + margin  # nobody has to come back at once
        now, table = max(now, arrival), chord(rng, max(now, arrival) + planner.lead + margin)
        planner.add(table)
        rows.append(planner.commit(now + margin, now).rows)
        given += len(table)
    rows.append(planner.finish().rows)
    found = np.concatenate(rows)
    assert len(found) == given
    assert Refusal.LATE not in found["refused"]


@pytest.mark.parametrize("velocity", [1.0, 60.0, 127.0])
def test_who_comes_later_than_is_due_is_too_late(velocity: float) -> None:
    """So what is due is not told too early."""
    for past, refusals in ((0.0, {}), (0.0031, {"late": 1})):
        planner = Planner(INSTRUMENT, sensitive())
        planner.add(strikes((1.0, 3, velocity)))
        planner.commit(0.5)
        now = planner.next_due() + past
        assert planner.commit(now + 0.01, now).refusals == refusals
