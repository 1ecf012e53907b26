"""The benchmarks can be imported, and what they reckon themselves is right."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from imports import ROOT
from xylophone import Plan, Song, build_instrument, load_song
from xylophone.tables import NOTE, PLANNED

MODULES = sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py"))


@pytest.fixture(scope="module")
def benchmarks() -> Iterator[dict[str, ModuleType]]:
    """All modules of the folder by name; it is on the path only as long as these tests run."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    yield {name: importlib.import_module(name) for name in MODULES}
    sys.path.remove(str(ROOT / "benchmarks"))
    for name in MODULES:
        del sys.modules[name]


def plan_of(*pulses: tuple[float, float, int]) -> Plan:
    """Return a plan of pulses given as start, width and hammer; contact is 20 ms after the start."""
    rows = np.zeros(len(pulses), PLANNED)
    for row, (start, width, hammer) in zip(rows, pulses, strict=True):
        row["time"], row["start"], row["width"], row["hammer"] = start + 0.02, start, width, hammer
    return Plan(build_instrument(), rows, 0.0)


def test_every_benchmark_can_be_run(benchmarks: dict[str, ModuleType]) -> None:
    assert {"accuracy", "damaged", "parse", "startup", "throughput"} <= set(benchmarks)
    assert all(callable(module.main) for module in benchmarks.values())


def test_owners_can_play_on_all_outputs_that_benchmarks_have(benchmarks: dict[str, ModuleType]) -> None:
    kinds = benchmarks["holding"].Outputs.__subclasses__()
    assert {kind.__name__ for kind in kinds} >= {"Traced", "Untraced", "Board"}
    assert not [kind for kind in kinds if inspect.isabstract(kind)]


def test_a_figure_beyond_its_bound_is_missed(benchmarks: dict[str, ModuleType]) -> None:
    figure = benchmarks["startup"].Figure
    assert not figure("x", (1.0, 9.0), at_least=(1,)).missed
    assert figure("x", (1.1,), at_least=(1,)).missed
    assert figure("x", (float("nan"),), at_least=(1,)).missed
    assert not figure("x", (31.0,), at_least=(30,), more=True).missed
    assert figure("x", (29.0,), at_least=(30,), more=True).missed


def test_a_row_shows_values_bounds_and_aims(benchmarks: dict[str, ModuleType]) -> None:
    row = benchmarks["startup"].Figure("delay", (0.5, 4.0), "ms", (1, 3), (0.7, 1.8), note="late")
    assert row.cells() == ("delay", "0.50 / 4.00 ms, late MISSED", "1 / 3 ms", "0.7 / 1.8 ms")


def test_pedals_hold_in_the_second_reading_what_they_find(benchmarks: dict[str, ModuleType]) -> None:
    second = benchmarks["second_reader"]
    notes = [
        second.Note(tick, 0, 0, pitch, 64, False, end, end)
        for tick, end, pitch in ((0, 10, 60), (0, 20, 62), (30, 40, 60), (50, 60, 64), (70, 80, 65))
    ]
    pedals = [(20, 64, 127), (35, 66, 127), (45, 64, 0), (65, 66, 0), (75, 64, 127)]
    second.hold(notes, pedals, 100)
    assert [note.silent for note in notes] == [10, 20, 65, 60, 100]


def test_heaviest_moment_of_a_plan(benchmarks: dict[str, ModuleType]) -> None:
    heaviest = benchmarks["accuracy"].heaviest
    assert heaviest(plan_of()) == 0
    assert heaviest(plan_of((0.0, 0.5, 0), (0.5, 0.5, 1))) == 1
    assert heaviest(plan_of((0.0, 0.5, 0), (0.25, 0.5, 1), (0.25, 0.5, 2))) == 3


def test_fullest_bucket_of_a_plan(benchmarks: dict[str, ModuleType]) -> None:
    hammer = build_instrument().hammers[0]
    fullest = benchmarks["accuracy"].fullest
    assert fullest(plan_of((0.0, 0.02, 0), (9.0, 0.01, 0))) == pytest.approx(0.02 / hammer.capacity)
    close = 0.04 - 0.1 * hammer.refill
    assert fullest(plan_of((0.0, 0.02, 0), (0.1, 0.02, 0))) == pytest.approx(close / hammer.capacity)


def test_closest_strikes_are_those_of_one_hammer(benchmarks: dict[str, ModuleType]) -> None:
    recovery = build_instrument().hammers[3].recovery
    plan = plan_of((0.0, 0.01, 3), (0.03, 0.01, 4), (2 * recovery, 0.01, 3))
    assert benchmarks["accuracy"].closest(plan) == pytest.approx(2.0)


def test_percentiles_leave_out_what_was_not_heard(benchmarks: dict[str, ModuleType]) -> None:
    percentiles = benchmarks["accuracy"].percentiles
    assert percentiles([np.array([-3.0, np.nan]), np.array([1.0])], 50, 100) == (2.0, 3.0)
    assert np.isnan(percentiles([np.array([np.nan])], 95)[0])


def test_dense_music_is_the_same_every_time(benchmarks: dict[str, ModuleType]) -> None:
    pitches = list(range(67, 97))
    first, again, other = (benchmarks["accuracy"].dense_song(seed, pitches, 6.0) for seed in (1, 1, 2))
    assert np.array_equal(first.notes, again.notes)
    assert not np.array_equal(first.notes, other.notes)
    assert set(first.notes["pitch"].tolist()) <= set(pitches)
    assert len(first) > 60


def test_songs_end_to_end(benchmarks: dict[str, ModuleType]) -> None:
    notes = np.zeros(2, NOTE)
    notes["onset"] = (0.0, 1.0)
    joined = benchmarks["throughput"].end_to_end([Song(notes, duration=3.0)], notes=5)
    assert joined.notes["onset"].tolist() == [0.0, 1.0, 3.0, 4.0, 6.0]


def test_planning_tells_notes_time_and_memory(benchmarks: dict[str, ModuleType]) -> None:
    song = benchmarks["accuracy"].dense_song(0, list(range(67, 97)), 3.0)
    told = benchmarks["throughput"].plan(lambda: song)
    assert told.notes == len(song)
    assert 0 < told.pulses <= told.notes
    assert len(told.seconds) == len(told.memory_mb) == 3


def test_times_real_time_counts_the_bench(benchmarks: dict[str, ModuleType]) -> None:
    row = benchmarks["throughput"].Rendered(length=60.0, simulating=1.0, rendering=2.0)
    assert (row.times_real_time(), row.times_real_time(3.0)) == (20.0, 10.0)


def test_imports_are_read_from_what_python_tells(benchmarks: dict[str, ModuleType]) -> None:
    told = "import time: self [us] | cumulative | imported package\nimport time:  1500 |  2500 |   b\n"
    assert benchmarks["startup"].imports(told + "import time: 9000 | 9000 | a\n") == [
        (9.0, 9.0, "a"),
        (1.5, 2.5, "b"),
    ]


def test_a_song_that_mido_wrote_keeps_its_notes(benchmarks: dict[str, ModuleType], tmp_path: Path) -> None:
    assert len(load_song(benchmarks["startup"].write_song(tmp_path / "s.mid", 40))) == 40


def tune(*pitches: int) -> Song:
    """Return a song of one line, a note every half second."""
    notes = np.zeros(len(pitches), NOTE)
    notes["onset"], notes["pitch"] = 0.5 * np.arange(len(pitches)), pitches
    notes["velocity"] = notes["loudness"] = 80
    notes["duration"] = 0.4
    return Song(notes, duration=0.5 * len(pitches))


@pytest.mark.parametrize(
    ("rule", "pitches", "kept", "intervals", "contour"),
    [
        ("a drop", (67, 72, 60, 74), 0.75, 1 / 3, 1 / 3),  # 60 has no bar
        ("b nearest", (67, 72, 60, 74), 1.0, 1 / 3, 2 / 3),  # 60 goes to 72: the step down is none
        ("c in key", (67, 69, 71, 72), 1.0, 1.0, 1.0),
        ("arranger", (55, 60, 48, 62), 1.0, 1.0, 1.0),
    ],
)
def test_a_rule_s_outcome_is_scored_by_what_is_left_of_the_tune(
    benchmarks: dict[str, ModuleType],
    rule: str,
    pitches: tuple[int, ...],
    kept: float,
    intervals: float,
    contour: float,
) -> None:
    scoring, rules = (importlib.import_module(f"arrangements.{name}") for name in ("scores", "rules"))
    song, instrument = tune(*pitches), build_instrument()
    source = scoring.read_source(song)
    outcome = (rules.of_arranger if rule == "arranger" else rules.RULES[rule])(song, instrument)
    found = scoring.scores(source, outcome, scoring.best_intervals(source.skyline, instrument.pitches))
    assert found["kept"] == pytest.approx(kept)
    assert found["intervals"] == pytest.approx(intervals)
    assert found["top"] == 1.0
    assert found["contour"] == pytest.approx(contour)
    assert found["sounded"] == pytest.approx(kept)


def test_no_arrangement_keeps_more_intervals_than_the_bound(benchmarks: dict[str, ModuleType]) -> None:
    scoring = importlib.import_module("arrangements.scores")
    bars = build_instrument().pitches  # 30 semitones hold no interval of 31
    assert scoring.best_intervals(scoring.read_source(tune(40, 60, 91)).skyline, bars) == 1
    assert scoring.best_intervals(scoring.read_source(tune(20, 40, 22)).skyline, bars) == 2


def test_a_hammer_that_is_wrong_counts_unless_it_is_named(benchmarks: dict[str, ModuleType]) -> None:
    strangers = benchmarks["strangers"]
    error, doubt = np.array([0.1, -0.2, 1.0, -2.0, 3.0, np.nan]), np.zeros(6)
    named = {"B": "weak", "E": "unclear"}
    one = strangers.Judged(strangers.plain(1), tuple("ABCDEF"), error, doubt, named, 150.0, 0.0007)
    wrong, false, many, _, _, length, refused, timing = strangers.figures_of([one], 3.4, 0.85)
    assert (wrong.measured, wrong.missed) == ((2,), True)  # D, and F, which never met its bar
    assert (false.measured, false.missed) == ((50.0,), True)
    assert (many.measured, length.measured, refused.measured) == ((2,), (2.5,), (0,))
    assert timing.measured == pytest.approx((0.7,))
