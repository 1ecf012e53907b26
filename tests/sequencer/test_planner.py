"""The planner as time goes on: horizons, what comes late, and what is taken back."""

from __future__ import annotations

import numpy as np
import pytest

from sequencer.playing import INSTRUMENT, sensitive, straight, strikes
from sequencer.test_laws import in_steps
from xylophone.sequencer import Planner, sequence


def test_only_what_starts_before_the_horizon_is_fixed() -> None:
    planner = Planner(INSTRUMENT, straight())
    planner.add(strikes((1.0, 0), (1.1, 1), (2.0, 2)))
    assert planner.commit(1.0).rows["time"].tolist() == [1.0]
    assert planner.commit(1.0).rows["time"].tolist() == []
    assert planner.commit(1.5).rows["time"].tolist() == [1.1]
    assert planner.finish().rows["time"].tolist() == [2.0]


def test_a_strike_that_comes_too_late_is_refused_and_says_so() -> None:
    planner = Planner(INSTRUMENT, straight())
    planner.add(strikes((1.0, 0)))
    planner.commit(2.0)
    planner.add(strikes((2.005, 1)))
    plan = planner.finish()
    assert plan.refusals == {"late": 1}
    assert plan.refused[0].why == "it came too late to start in time"


def test_what_comes_a_little_late_is_moved_and_what_comes_later_is_refused() -> None:
    planner = Planner(INSTRUMENT, straight())
    planner.add(strikes((1.0, 0), (1.0, 1), (1.0005, 1), (1.01, 2)))
    rows = planner.commit(2.0, now=0.982).rows  # they would start at 0.980
    assert rows["moved"] == pytest.approx([0.002, 0.002, 0.0, 0.0])
    assert rows["start"][[0, 1, 3]] == pytest.approx([0.982, 0.982, 0.990])
    planner.add(strikes((3.0, 0)))
    assert planner.commit(4.0, now=2.99).refusals == {"late": 1}


def test_recovery_heat_and_sag_are_carried_from_commit_to_commit() -> None:
    rng = np.random.default_rng(5)
    table = strikes(*((float(t), int(rng.integers(30)), 90.0) for t in np.sort(rng.uniform(1, 6, 150))))
    whole = sequence(table, INSTRUMENT, sensitive())
    stepped = np.concatenate([plan.rows for plan in in_steps(Planner(INSTRUMENT, sensitive()), table, 0.05)])
    stepped = stepped[np.argsort(stepped["source"])]
    assert stepped["refused"].tolist() == whole.rows["refused"].tolist()
    sent = whole.rows["refused"] == 0
    assert stepped["width"][sent] == pytest.approx(whole.rows["width"][sent], abs=2e-6)
    assert stepped["start"][sent] == pytest.approx(whole.rows["start"][sent], abs=5e-6)


def test_what_was_taken_back_is_forgotten() -> None:
    planner = Planner(INSTRUMENT, sensitive())
    planner.add(strikes((1.0, 5), (1.1, 5)))
    planner.commit(2.0)
    back = planner.rewind(1.05)  # the second pulse had not started
    assert back["time"].tolist() == [1.1]
    planner.add(strikes((1.12, 5)))
    plan = planner.finish()
    assert plan.refused == ()
    planner.add(strikes((1.14, 5)))
    assert planner.finish().refusals == {"recovery": 1}


def test_a_rewind_restores_what_the_coil_had_used() -> None:
    fresh, rewound = Planner(INSTRUMENT, sensitive()), Planner(INSTRUMENT, sensitive())
    trill = strikes(*((1.0 + 0.1 * n, 5) for n in range(30)))
    for planner, upto in ((fresh, 10), (rewound, 30)):
        planner.add(trill[:upto])
        planner.commit(4.5)
    rewound.rewind(1.95)
    for planner in (fresh, rewound):
        planner.add(strikes((5.0, 5)))
    one, other = fresh.finish().rows, rewound.finish().rows
    assert one["start"] == pytest.approx(other["start"], abs=1e-12)
    assert one["width"] == pytest.approx(other["width"], abs=1e-12)


def test_a_rolled_chord_that_straddles_the_horizon_stays_rolled() -> None:
    chord = strikes(*((1.0, n) for n in range(12)))
    whole = sequence(chord, INSTRUMENT, straight())
    planner = Planner(INSTRUMENT, straight())
    planner.add(chord)
    rows = [planner.commit(0.990).rows, planner.finish().rows]
    assert 0 < len(rows[0]) < 12
    assert np.concatenate(rows)["moved"] == pytest.approx(whole.rows["moved"])


def test_lead_bounds_how_early_a_strike_may_start() -> None:
    planner = Planner(INSTRUMENT, sensitive())
    planner.add(strikes(*((1.0, n, 1.0) for n in range(8))))
    assert planner.finish().rows["start"].min() >= 1.0 - planner.lead
