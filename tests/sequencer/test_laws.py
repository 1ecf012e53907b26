"""Laws that hold for any strikes at all."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from hypothesis import given, strategies as st

from counts import examples
from sequencer.playing import INSTRUMENT, sensitive, strikes
from xylophone.instrument import Instrument
from xylophone.sequencer import Plan, Planner, PlanOptions, sequence
from xylophone.tables import Refusal, Rows

ROW = st.tuples(
    st.floats(0, 2).map(lambda time: round(time, 3)),
    st.integers(0, 29),
    st.floats(1, 127, width=32),
    st.integers(0, 2),
)
ROWS = st.lists(ROW, max_size=120).map(sorted)
OPTIONS = st.builds(
    PlanOptions,
    roll=st.booleans(),
    shift=st.sampled_from([0.0, 0.003]),
    softening_db=st.sampled_from([0.0, 3.0]),
)
TIGHT = Instrument("tight", INSTRUMENT.kind, INSTRUMENT.hammers, 3.0)


@examples(80)
@given(ROWS, OPTIONS, st.sampled_from([INSTRUMENT, TIGHT]))
def test_every_law_holds_for_any_strikes(
    rows: list[tuple[float, int, float, int]], options: PlanOptions, instrument: Instrument
) -> None:
    table = strikes(*rows)
    plan = sequence(table, instrument, sensitive(instrument), options)
    assert_nothing_is_lost(plan, table)
    assert_pulses_are_in_order_and_in_bounds(plan)
    assert_recovery(plan)
    assert plan.peak_current <= instrument.supply_limit + 1e-9
    assert_energy(plan)
    assert_moves_stay_small(plan, options)


@examples(40)
@given(ROWS, st.integers(20, 400))
def test_planning_in_steps_keeps_every_law(rows: list[tuple[float, int, float, int]], step_ms: int) -> None:
    table = strikes(*rows)
    table["time"] += 1.0
    plans = list(in_steps(Planner(TIGHT, sensitive(TIGHT)), table, step_ms / 1000))
    whole = Plan(TIGHT, np.concatenate([plan.rows for plan in plans]), 0.0)
    assert_nothing_is_lost(whole, table)
    assert Refusal.LATE not in whole.rows["refused"]
    starts = [plan.pulses["start"] for plan in plans if len(plan.pulses)]
    assert all(len(start) == 0 or (np.diff(start) >= 0).all() for start in starts)
    assert all(a[-1] <= b[0] for a, b in pairwise(starts))
    numbers = np.concatenate([plan.pulses["strike"] for plan in plans]) if plans else np.zeros(0)
    assert len(np.unique(numbers)) == len(numbers)
    assert_recovery(whole)
    assert whole.peak_current <= TIGHT.supply_limit + 1e-9
    assert_energy(whole)


def in_steps(planner: Planner, table: Rows, step: float) -> Iterator[Plan]:
    """Plan as a player does: strikes are added as the horizon comes near."""
    horizon, given = 0.0, 0
    while given < len(table):
        horizon += step
        upto = int(np.searchsorted(table["time"], horizon + planner.lead, "right"))
        planner.add(table[given:upto])
        given = upto
        yield planner.commit(horizon)
    yield planner.finish()


def assert_nothing_is_lost(plan: Plan, table: Rows) -> None:
    assert sorted(plan.rows["source"].tolist()) == sorted(table["source"].tolist())
    assert len(plan.pulses) + sum(plan.refusals.values()) == len(table)
    assert len(plan.refused) == sum(plan.refusals.values())


def assert_pulses_are_in_order_and_in_bounds(plan: Plan) -> None:
    pulses = plan.pulses
    assert (np.diff(pulses["start"]) >= 0).all()
    assert (pulses["start"] >= 0).all()
    assert (pulses["width"] >= 0.006).all()
    assert (pulses["width"] <= 0.022).all()


def assert_recovery(plan: Plan) -> None:
    sent = plan.rows[plan.rows["refused"] == Refusal.NONE]
    for hammer in np.unique(sent["hammer"]):
        mine = sent[sent["hammer"] == hammer]
        order = np.argsort(mine["start"])
        contact = (mine["time"] + mine["moved"])[order]
        assert (np.diff(contact) >= plan.instrument.hammers[hammer].recovery - 1e-9).all()
        assert (mine["start"][order][1:] >= (mine["start"] + mine["width"])[order][:-1]).all()


def assert_energy(plan: Plan) -> None:
    pulses = plan.pulses
    for channel in np.unique(pulses["channel"]):
        hammer = plan.instrument.hammers[channel]
        used, last = 0.0, 0.0
        for start, width in pulses[["start", "width"]][pulses["channel"] == channel].tolist():
            used = max(0.0, used - hammer.refill * (start - last)) + width
            last = start
            assert used <= hammer.capacity + 1e-9


def assert_moves_stay_small(plan: Plan, options: PlanOptions) -> None:
    rows = plan.rows
    plain = ~rows["rolled"]
    assert (np.abs(rows["moved"][plain]) <= options.shift + 1e-9).all()
    assert (rows["moved"][rows["rolled"]] <= options.roll_limit + options.shift + 1e-9).all()
    assert (rows["softened"] <= options.softening_db + 1e-9).all()
    assert options.roll or not rows["rolled"].any()
