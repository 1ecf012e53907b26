"""A performance tells what was heard beside what was planned, by the definitions of docs/simulate-json.md."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from xylophone.errors import InstrumentError
from xylophone.instrument import build_instrument
from xylophone.performance.performance import Performance
from xylophone.sequencer import Plan, RefusedStrike
from xylophone.tables import HIT, PLANNED, Refusal

INSTRUMENT = build_instrument("song-bell")
C6 = INSTRUMENT.index("C6")
TOP = -5.0


def planned(*rows: dict[str, object]) -> np.ndarray:
    """Return rows of a plan; what is not told is that of a strike which is sent as it stands."""
    table = np.zeros(len(rows), PLANNED)
    for number, row in enumerate(rows):
        told = {"velocity": 80.0, "level": TOP - 6.0, "width": 0.012, "hammer": C6, **row}
        for key, value in told.items():
            table[key][number] = value
    return table


def hit(time: float, strike: int, level: float = TOP - 6.0, hammer: int = C6, double: bool = False):
    return (time, level, strike, INSTRUMENT.hammers[hammer].channel, double)


def play(rows: np.ndarray, hits: list[tuple], **told: object) -> Performance:
    plan_told = {key: told.pop(key) for key in ("lead_in", "first", "ready") if key in told}
    return Performance.of(Plan(INSTRUMENT, rows, TOP, **plan_told), np.array(hits, HIT), **told)


def test_times_and_levels_of_a_bar_are_what_was_heard():
    e6 = INSTRUMENT.index("E6")
    rows = planned({"time": 0.0}, {"time": 0.5, "hammer": e6}, {"time": 1.0})
    heard = play(
        rows, [hit(1.001, 2, TOP - 3), hit(0.002, 0), hit(0.5, 1, hammer=e6), hit(0.05, 0, TOP - 20)]
    )
    assert heard.times("C6") == [0.002, 0.05, 1.001]
    assert heard.levels("C6") == pytest.approx([-6.0, -20.0, -3.0])
    assert heard.times("88") == heard.times("E6") == [0.5]
    assert heard.times("D6") == []
    with pytest.raises(InstrumentError, match="no bar C4"):
        heard.times("C4")


def test_times_count_from_song_time_zero():
    rows = planned({"time": 0.25}, {"time": 0.27, "refused": Refusal.RECOVERY, "start": np.nan, "width": 0})
    heard = play(rows, [hit(0.2512, 0)], lead_in=0.25, ready={1: 0.32})
    assert heard.times("C6") == pytest.approx([0.0012])
    assert heard.planned == pytest.approx([0.0, 0.02])
    (refused,) = heard.refused
    assert isinstance(refused, RefusedStrike)
    assert (refused.time, refused.hammer) == (pytest.approx(0.02), "C6")
    assert refused.why == "hammer C6 is ready again at 0.070 s"


def test_what_was_given_stays_as_it_was():
    rows, hits = planned({"time": 0.25}), np.array([hit(0.3, 5), hit(0.2512, 5)], HIT)
    plan = Plan(INSTRUMENT, rows, TOP, lead_in=0.25, first=5)
    before = rows.copy(), hits.copy()
    heard = Performance.of(plan, hits)
    assert (rows == before[0]).all()
    assert (hits == before[1]).all()
    assert heard.heard == pytest.approx([0.0012])


def test_only_the_first_hit_of_a_strike_is_heard_of_it():
    rows = planned({"time": 0.0}, {"time": 1.0}, {"time": 2.0})
    heard = play(
        rows, [hit(0.0, 0), hit(0.03, 0, double=True), hit(0.05, 0, double=True), hit(1.0, 1), hit(5, -1)]
    )
    assert heard.heard.tolist()[:2] == [0.0, 1.0]
    assert math.isnan(heard.heard[2])
    assert [blow.time for blow in heard.doubled] == [0.03, 0.05]
    assert [blow.time for blow in heard.extra] == [5.0]
    (missed,) = heard.missed
    assert (missed.time, missed.hammer, missed.level_db) == (2.0, "C6", pytest.approx(-6.0))
    assert {key: heard.summary()[key] for key in ("strikes", "heard", "missed", "double")} == {
        "strikes": 3,
        "heard": 2,
        "missed": 1,
        "double": 2,
    }


def test_timing_error_leaves_out_the_common_offset_and_the_retiming():
    rows = planned(
        {"time": 0.0}, {"time": 1.0, "moved": 0.003}, {"time": 2.0}, {"time": 3.0, "moved": -0.002}
    )
    heard = play(rows, [hit(0.011, 0), hit(1.013, 1), hit(2.010, 2), hit(3.006, 3)])
    # heard - planned - moved: 11, 10, 10, 8 ms; the median is 10
    assert heard.timing_error == pytest.approx([0.001, 0.0, 0.0, -0.002])
    # heard - planned: 11, 13, 10, 6 ms; the median is 10.5
    assert heard.score_error == pytest.approx([0.0005, 0.0025, -0.0005, -0.0045])
    summary = heard.summary()
    assert summary["timing_error"] == {"p50": 0.0005, "p95": pytest.approx(0.00185), "max": 0.002}
    assert summary["score_error"]["max"] == 0.0045


def test_level_error_is_of_the_planned_level_with_nothing_taken_off():
    rows = planned({"time": 0.0}, {"time": 1.0, "level": TOP - 12})
    heard = play(rows, [hit(0.0, 0, TOP - 5), hit(1.0, 1, TOP - 13)])
    assert heard.level_db == pytest.approx([-5.0, -13.0])
    assert heard.planned_level_db == pytest.approx([-6.0, -12.0])
    assert heard.level_error_db == pytest.approx([1.0, -1.0])
    assert heard.summary()["level_error_db"] == {"p50": 1.0, "p95": 1.0, "max": 1.0}


def test_a_chord_is_as_wide_as_it_is_heard_and_rolled_ones_stand_apart():
    rows = planned(
        *({"time": 0.0, "hammer": place} for place in (0, 4, 7)),
        *(
            {"time": 1.0, "hammer": place, "moved": 0.03 * (place > 0), "rolled": place > 0}
            for place in (0, 4)
        ),
        {"time": 2.0, "hammer": 0},
        {"time": 2.001, "hammer": 1},
    )
    times = [0.010, 0.012, 0.009, 1.010, 1.040, 2.01, 2.02]
    heard = play(rows, [hit(t, n, hammer=int(rows["hammer"][n])) for n, t in enumerate(times)])
    assert heard.chord_spreads == pytest.approx([0.003])
    assert heard.summary()["chord_spread"] == {"p95": 0.003, "max": 0.003}
    assert heard.summary()["rolled"] == 1
    assert heard.in_rolled_chord.tolist() == [False] * 3 + [True] * 2 + [False] * 2
    assert np.isnan(heard.score_error).tolist() == heard.in_rolled_chord.tolist()
    assert not np.isnan(heard.timing_error).any()


def test_a_chord_of_which_one_note_is_heard_has_no_spread():
    heard = play(planned({"time": 0.0}, {"time": 0.0, "hammer": 3}), [hit(0.0, 0)])
    assert heard.summary()["chord_spread"] == {"p95": None, "max": None}


def test_json_has_the_documented_form():
    rows = planned(
        {"time": 0.5, "velocity": 63.6, "moved": 0.001},
        {"time": 0.51, "refused": Refusal.RECOVERY, "start": np.nan, "width": 0.0},
        {"time": 1.0, "hammer": 0},
    )
    heard = play(
        rows,
        [hit(0.502, 0, TOP - 5.5)],
        title="Greensleeves",
        seed=7,
        peak_current=2.4,
        hottest_coil_c=31.234,
    )
    told = json.loads(json.dumps(heard.to_json(), allow_nan=False))
    assert list(told) == ["song", "instrument", "seed", "strikes", "summary"]
    assert (told["song"], told["instrument"], told["seed"]) == ("Greensleeves", "song-bell", 7)
    assert told["strikes"] == [
        {
            "planned": 0.5,
            "heard": 0.502,
            "hammer": "C6",
            "pitch": 84,
            "velocity": 64,
            "planned_level_db": -6.0,
            "level_db": -5.5,
            "refused": None,
            "moved": 0.001,
        },
        {
            "planned": 0.51,
            "heard": None,
            "hammer": "C6",
            "pitch": 84,
            "velocity": 80,
            "planned_level_db": -6.0,
            "level_db": None,
            "refused": "recovery",
            "moved": None,
        },
        {
            "planned": 1.0,
            "heard": None,
            "hammer": "G4",
            "pitch": 67,
            "velocity": 80,
            "planned_level_db": -6.0,
            "level_db": None,
            "refused": None,
            "moved": 0.0,
        },
    ]
    assert told["summary"] == {
        "strikes": 3,
        "heard": 1,
        "missed": 1,
        "double": 0,
        "refused": {"recovery": 1},
        "timing_error": {"p50": 0.0, "p95": 0.0, "max": 0.0},
        "score_error": {"p50": 0.0, "p95": 0.0, "max": 0.0},
        "level_error_db": {"p50": 0.5, "p95": 0.5, "max": 0.5},
        "chord_spread": {"p95": None, "max": None},
        "rolled": 0,
        "peak_current": 2.4,
        "supply_limit": 8.0,
        "hottest_coil_c": 31.23,
    }


def test_the_page_names_every_key(root):
    page = (root / "docs" / "simulate-json.md").read_text(encoding="utf-8")
    told = play(planned({"time": 0.0}), [hit(0.0, 0)]).to_json()
    keys = {
        *told,
        *told["summary"],
        *told["strikes"][0],
        *(f"`{reason.word}`" for reason in Refusal if reason),
    }
    assert [key for key in sorted(keys) if f"`{key.strip('`')}`" not in page] == []


def test_a_performance_of_nothing():
    heard = play(planned(), [])
    told = heard.to_json()
    assert (len(heard), told["song"], told["seed"], told["strikes"]) == (0, None, None, [])
    assert told["summary"]["strikes"] == told["summary"]["missed"] == told["summary"]["rolled"] == 0
    assert told["summary"]["timing_error"] == {"p50": None, "p95": None, "max": None}
    assert heard.missed == heard.doubled == heard.refused == heard.extra == ()


@pytest.mark.parametrize("strike", [-2, 1, 99])
def test_a_hit_of_no_strike_of_the_plan_is_refused(strike):
    rows = planned({"time": 0.0})
    if strike < -1:
        assert len(play(rows, [hit(0.0, strike)]).extra) == 1
    else:
        with pytest.raises(ValueError, match=f"hits of strikes {strike}"):
            play(rows, [hit(0.0, strike)])


def test_foreign_tables_and_channels_are_refused():
    rows = planned({"time": 0.0})
    with pytest.raises(TypeError, match="dtype HIT"):
        Performance.of(Plan(INSTRUMENT, rows, TOP), rows)
    with pytest.raises(ValueError, match="channel 63, which has no hammer"):
        play(rows, [(0.0, TOP, 0, 63, False)])


@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.integers(0, 29), st.sampled_from([0, 0, 0, 1, 2]), st.booleans()),
        max_size=40,
    ),
    st.lists(st.tuples(st.integers(-1, 39), st.floats(0, 10)), max_size=60),
)
def test_nothing_is_lost(strikes, blows):
    rows = planned(
        *({"time": t / 8, "hammer": h, "refused": r, "rolled": x} for t, h, r, x in sorted(strikes))
    )
    sent = np.flatnonzero(rows["refused"] == 0).tolist()
    hits = [
        hit(t, s, hammer=int(rows["hammer"][s]) if s >= 0 else 0) for s, t in blows if s == -1 or s in sent
    ]
    heard = play(rows, hits)
    told = heard.to_json()
    summary = told["summary"]
    assert summary["strikes"] == summary["heard"] + summary["missed"] + sum(summary["refused"].values())
    assert len(hits) == summary["heard"] + summary["double"] + len(heard.extra)
    assert len(hits) == sum(len(heard.times(hammer.name)) for hammer in INSTRUMENT.hammers)
    json.dumps(told, allow_nan=False)
