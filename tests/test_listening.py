"""What the benchmark says that a listener hears stands in small songs; faults are made at their dose."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

from imports import ROOT
from xylophone import Arrangement, Song, arrange, build_instrument, calibration_for, find_song, load_song
from xylophone.arranger import Reason
from xylophone.arranger.changes import NO_HAMMER, Changes
from xylophone.simulation.hammers import Twin
from xylophone.song import Track
from xylophone.tables import ARRANGED, NOTE, Priority, as_arranged, as_notes

STEP = 10.9 / 126
"""dB of one step of velocity."""

TUNE, REST = Priority.MELODY, Priority.INNER

Written = tuple[float, int, int | None, Priority]
"""A note as these tests write it: onset, written pitch, pitch of its bar (None: dropped), and its role."""


@pytest.fixture(scope="module")
def bench() -> Iterator[SimpleNamespace]:
    """The modules of the benchmark; their folder is on the path only as long as these tests run."""
    before = set(sys.modules)
    sys.path.insert(0, str(ROOT / "benchmarks"))
    names = ("listener", "listened", "degrade", "rules")
    modules: dict[str, ModuleType] = {name: importlib.import_module(f"arrangements.{name}") for name in names}
    yield SimpleNamespace(
        **modules, command=importlib.import_module("listening"), pairs=importlib.import_module("pairs")
    )
    sys.path.remove(str(ROOT / "benchmarks"))
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(ROOT / "benchmarks")):
            del sys.modules[name]


def arranged(
    notes: Sequence[Written],
    velocity: Sequence[int] = (),
    loudness: Sequence[float] = (),
    tracks: Sequence[int] = (),
) -> Arrangement:
    """Return an arrangement of a song, note by note in the order of onsets, for the song bell."""
    rows = np.zeros(len(notes), NOTE)
    rows["onset"], rows["pitch"] = [note[0] for note in notes], [note[1] for note in notes]
    rows["duration"], rows["velocity"] = 0.4, 80
    rows["loudness"], rows["track"] = loudness or 80, tracks or 0
    parts = tuple(Track(number, "", 1, (0,), (0,)) for number in sorted(set(tracks or (0,))))
    song = Song(as_notes(rows), tracks=parts, duration=20.0)
    instrument = build_instrument("song-bell")
    there = np.flatnonzero([note[2] is not None for note in notes])
    hammer = np.searchsorted(instrument.pitches, [note[2] for note in notes if note[2] is not None])
    struck = np.zeros(len(there), ARRANGED)
    struck["onset"], struck["hammer"], struck["source"] = rows["onset"][there], hammer, there
    struck["velocity"] = np.array(velocity or [80] * len(notes))[there]
    struck["priority"] = [notes[place][3] for place in there]
    bars, reason = np.full(len(notes), NO_HAMMER, np.uint8), np.full(len(notes), Reason.CROWDED, np.uint8)
    bars[there], reason[there] = hammer, Reason.NONE
    changes = Changes.of(
        song, instrument, song.notes["pitch"], reason, bars, np.full(len(notes), -1), np.zeros(0, np.int64)
    )
    roles = np.array([note[3] for note in notes], np.uint8)
    return Arrangement(song, instrument, 0, as_arranged(struck), changes, roles)


def heard(bench: SimpleNamespace, *notes: Written, **columns: Sequence[int]) -> object:
    """Return such an arrangement as a listener follows it."""
    return bench.listener.melody_of(arranged(notes, **columns), np.zeros(0, np.int64))


def test_a_tune_leads_over_all_that_is_struck_until_its_next_note(bench: SimpleNamespace) -> None:
    notes = [(0.0, 84, 84, TUNE), (0.0, 72, 72, REST), (0.5, 74, 74, REST), (1.0, 84, 84, TUNE)]
    notes += [(1.98, 72, 72, REST), (2.0, 86, 86, TUNE)]
    song = heard(bench, *notes, velocity=(100, 80, 120, 100, 60, 100))
    assert bench.listener.leads(song) == pytest.approx(
        [-20 * STEP, 40 * STEP]
    )  # nothing is struck with the second
    assert bench.listener.lead(song) == pytest.approx((10 * STEP, -14 * STEP))


def test_each_strike_gets_the_level_that_is_heard_of_it(bench: SimpleNamespace) -> None:
    bars = [84 - 12 * (place % 2) for place in range(20)]
    notes = [(0.5 * place, bar, bar, TUNE if bar == 84 else REST) for place, bar in enumerate(bars)]
    song = heard(bench, *notes, velocity=[110, 30] * 5 + [70, 50] * 5)
    instrument = build_instrument("song-bell")
    alike = Twin(instrument, tolerance=0.0, scatter_time=0.0, scatter_level_db=0.0)
    told = bench.listener.played(song, alike, calibration_for(instrument, None))
    groups = told.level.reshape(2, 5, 2)
    assert np.ptp(groups, axis=1).max() < 0.1
    (loudest, softest), (loud, soft) = groups.mean(axis=1)
    assert loudest > loud + 1 > soft + 2 > softest + 3
    lost = bench.listener.replace(song, measured=np.where(np.arange(20) < 10, np.nan, song.level))
    assert bench.listener.leads(lost) == pytest.approx([20 * STEP] * 5)


def test_a_tune_s_own_steps_are_held_against_the_written_ones(bench: SimpleNamespace) -> None:
    loud = [float(127 * 10 ** (decibel / 40)) for decibel in (-12, -8, -4, 0)]
    notes = [(0.5 * place, 84, 84, TUNE) for place in range(4)]
    step = round(2 / STEP)  # half of what is written
    even = heard(bench, *notes, velocity=(10, 10 + step, 10 + 2 * step, 10 + 3 * step), loudness=loud)
    assert bench.listener.steps(even) == 1.0
    bent = heard(bench, *notes, velocity=(10, 10 + step, 20 + 2 * step, 10 + 3 * step), loudness=loud)
    assert bench.listener.steps(bent) == pytest.approx(1 / 3)
    used, written = bench.listener.ranges(even)
    assert (used, written) == pytest.approx((0.9 * 3 * step * STEP, 0.9 * 12))


@pytest.mark.parametrize(
    ("onset", "written", "bar", "count"),
    [
        (0.0, 60, 84, 50.0),  # on the tune's own bar
        (0.4, 60, 86, 50.0),  # above it, while it is the last that began
        (0.4, 60, 83, 0.0),  # below it
        (0.4, 88, 88, 0.0),  # a descant is written above
        (1.6, 60, 86, 0.0),  # so late that the tune has gone
        (2.98, 60, 86, 0.0),  # with the second note, which is higher
        (2.98, 60, 88, 50.0),
    ],
)
def test_what_is_written_below_the_tune_intrudes_where_it_lands_on_it(
    bench: SimpleNamespace, onset: float, written: int, bar: int, count: float
) -> None:
    notes = [(0.0, 84, 84, TUNE), (3.0, 88, 88, TUNE), (onset, written, bar, REST)]
    assert bench.listener.intrusions(heard(bench, *sorted(notes, key=lambda note: note[0]))) == count


def test_basses_that_were_written_far_below_are_near_within_a_sixth(bench: SimpleNamespace) -> None:
    notes = [(0.0, 84, 84, TUNE), (0.0, 48, 72, REST), (0.0, 64, 83, REST)]  # an octave away; 64 is no bass
    notes += [(1.0, 84, 84, TUNE), (1.0, 48, 76, REST)]  # eight semitones
    notes += [(2.0, 84, 84, TUNE), (2.0, 76, 76, REST)]  # was written as near
    notes += [(3.0, 84, 84, TUNE), (3.0, 48, None, REST), (4.0, 48, 84, REST)]  # dropped; alone
    song = heard(bench, *notes)
    assert bench.listener.near_basses(song) == 1 / 2
    assert bench.listener.near_basses(song, 13) == 1.0


def test_the_worst_voice_is_that_whose_intervals_are_broken_most(bench: SimpleNamespace) -> None:
    line = [(0.5 * place, 80 + place % 3) for place in range(11)]
    upper = [(onset, pitch, pitch, TUNE) for onset, pitch in line]
    lower = [(onset, pitch - 12, pitch - (0 if onset == 1.0 else 12), REST) for onset, pitch in line]
    both = [note for pair in zip(upper, lower, strict=True) for note in pair]
    song = heard(bench, *both, tracks=[0, 1] * 11)
    assert bench.listener.worst_voice(song) == pytest.approx(8 / 10)
    assert np.isnan(bench.listener.worst_voice(heard(bench, *upper, tracks=[0] * 11)))


def test_texture_counts_bars_again_and_seconds_in_chords(bench: SimpleNamespace) -> None:
    time = np.array([0.0, 0.0, 0.01, 0.5, 1.2, 1.2, 2.0])
    dense = bench.listener.texture(time, np.array([72, 74, 84, 72, 72, 85, 90]))
    assert (dense.rate, dense.again, dense.seconds) == pytest.approx((3.5, 1 / 7, 1 / 2))


def test_a_singer_is_marked_by_a_doubling_too(bench: SimpleNamespace) -> None:
    notes = [
        (0.0, 72, 72, REST),
        (0.0, 84, 84, TUNE),
        (1.0, 74, 74, TUNE),
        (2.0, 76, 76, REST),
        (2.2, 60, 72, TUNE),
    ]
    notes.append((9.0, 79, 79, TUNE))  # while nobody sings
    arrangement = arranged(notes)
    marked, pure = bench.listener.singer(arrangement, np.array([0, 2, 3]))
    assert (marked, pure) == pytest.approx((2 / 3, 2 / 3))


def test_a_file_without_its_accompaniment_has_failed(bench: SimpleNamespace) -> None:
    tune = [(0.5 * place, 84, 84, TUNE) for place in range(12)]
    lost = [(0.5 * place, 60, None, REST) for place in range(12)]
    both = [note for pair in zip(tune, lost, strict=True) for note in pair]
    assert heard(bench, *both).alone
    assert not heard(bench, *tune).alone
    kept = [*both[:1], (0.0, 60, 72, REST), *both[2:]]
    assert not heard(bench, *kept).alone
    row = bench.listened.failed(bench.command.rows_of(heard(bench, *both)))
    assert (row["steps"], row["basses"], row["intrusions"]) == (0.0, 1.0, 100.0)
    assert bench.listened.figures([row])[0].measured == (0.0,)


def test_lists_and_folders_name_files(bench: SimpleNamespace, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    for name in ("b.mid", "a.mid"):
        (tmp_path / "set" / name).write_bytes(b"")
    (tmp_path / "list.txt").write_text("set/b.mid\n")
    found = bench.command.paths_of((tmp_path / "set", tmp_path / "list.txt"), None)
    assert [path.name for path in found] == ["a.mid", "b.mid", "b.mid"]


def test_every_row_of_a_song_becomes_a_figure(bench: SimpleNamespace) -> None:
    asked = bench.command.Asked("song-bell", None, "^$", "", "^$", "^$", "^$", False)
    row = bench.command.of_file(Path(find_song("greensleeves")), asked)
    figures = bench.listened.figures([row])
    told = [figure.name for figure in figures if not np.isnan(figure.measured).any()]
    assert len(told) == len(figures) == len({figure.name for figure in figures})
    assert row["score"] > 80
    alone = bench.command.of_file(Path(find_song("greensleeves")), replace(asked, preset="solo"))
    assert (alone["alone"], alone["score"], alone["steps"]) == (True, 0.0, 0.0)


@pytest.fixture(scope="module")
def greensleeves(bench: SimpleNamespace) -> object:
    """A song of the book with an accompaniment, as a listener follows it."""
    song = load_song(find_song("greensleeves"))
    return bench.listener.melody_of(arrange(song, build_instrument("song-bell")), np.zeros(0, np.int64))


@pytest.mark.parametrize("fault", ["chopped", "shifted", "buried", "cluttered", "dropped", "seconds"])
def test_a_fault_leaves_an_arrangement_of_the_same_song(
    bench: SimpleNamespace, greensleeves: object, fault: str
) -> None:
    worse = bench.degrade.FAULTS[fault](greensleeves)
    again = bench.degrade.FAULTS[fault](greensleeves)
    assert worse.song is greensleeves.song
    assert np.array_equal(worse.notes, again.notes)
    strikes = np.stack([worse.notes["onset"], worse.notes["hammer"]], axis=1)
    assert len(np.unique(strikes, axis=0)) == len(strikes)
    counted = worse.kept + worse.folded + worse.replaced + worse.merged + sum(worse.dropped.values())
    assert counted == len(worse.song)


def test_faults_are_made_at_their_dose(bench: SimpleNamespace, greensleeves: object) -> None:
    rows, faults = bench.listener, bench.degrade.FAULTS
    worse = {name: rows.Heard(fault(greensleeves), greensleeves.tune) for name, fault in faults.items()}
    tune, rest = int((~greensleeves.accompanies).sum()), int(greensleeves.accompanies.sum())
    assert (~worse["chopped"].accompanies).sum() == pytest.approx(0.9 * tune, abs=4)
    assert worse["dropped"].accompanies.sum() == pytest.approx(0.6 * rest, rel=0.15)
    assert (~worse["dropped"].accompanies).sum() == tune
    away = worse["shifted"].pitch - greensleeves.pitch
    assert set(np.unique(away)) <= {-12, 0, 12}
    assert np.count_nonzero(away) == pytest.approx(0.2 * tune, rel=0.35)
    assert rows.lead(worse["buried"])[0] == pytest.approx(rows.lead(greensleeves)[0] - 6.0, abs=0.5)
    assert rows.intrusions(worse["cluttered"]) > 10 + rows.intrusions(greensleeves)
    dense = [rows.texture(one.time, one.pitch) for one in (greensleeves, worse["seconds"])]
    assert dense[1].seconds > dense[0].seconds + 0.1


def test_a_song_without_accompaniment_has_only_the_faults_of_its_tune(bench: SimpleNamespace) -> None:
    tune = [(0.5 * place, 80 + place % 5, 80 + place % 5, TUNE) for place in range(40)]
    lost = bench.degrade.points_lost(heard(bench, *tune))
    assert {name for name, points in lost.items() if not np.isnan(points)} == {"chopped", "shifted"}
    assert lost["chopped"] > 0


def test_pairs_are_blind_and_readers_are_counted(bench: SimpleNamespace, tmp_path: Path) -> None:
    song, run = str(find_song("sakura")), CliRunner().invoke
    for state, name in (("before", "solo"), ("after", "faithful")):
        words = ["play", str(tmp_path / state), song, "--preset", name]
        assert run(bench.pairs.main, words, catch_exceptions=False).exit_code == 0
    folder, key = tmp_path / "pairs", tmp_path / "key.json"
    words = ["write", *(str(tmp_path / name) for name in ("before", "after", "pairs")), "--key", str(key)]
    words += ["--no-sound", "--seed", "3", "--seconds", "20"]
    assert run(bench.pairs.main, words, catch_exceptions=False).exit_code == 0
    known = json.loads(key.read_text())["01"]
    assert {path.name for path in (folder / "01").iterdir()} == {
        "source.txt",
        f"{known['before']}.txt",
        f"{known['after']}.txt",
    }
    orders = [line.split()[1:] for line in (folder / "sheets.txt").read_text().splitlines()]
    assert sorted(orders) == sorted([[known["before"], known["after"]], [known["after"], known["before"]]])
    rolls = [(folder / "01" / f"{known[state]}.txt").read_text().split() for state in ("before", "after")]
    assert 0 < len(rolls[0]) < len(rolls[1])
    said = [[f"01 {known['after']}"] * 2, [f"01 {known['after']}", f"01 {known['before']}"], ["01 tie"]]
    assert bench.pairs.tally({"01": known}, said) == {"after": 1, "tie": 2}


def test_a_roll_says_what_begins_when_and_how_loud(bench: SimpleNamespace) -> None:
    song = load_song(find_song("sakura"))
    lines = bench.pairs.source_roll(song, 5.0)
    first = song.notes[0]
    assert lines[0].startswith(f"{first['onset']:.2f}  ")
    assert len(lines) == len(
        np.unique(np.round(100 * song.notes["onset"][song.notes["onset"] < 5.0 + first["onset"]]))
    )
    assert bench.pairs.roll(np.array([0.0, 0.001]), np.array([60, 72]), ["x", "y"]) == ["0.00  C5 y  C4 x"]


def test_a_rule_of_others_is_heard_as_the_arranger_is(bench: SimpleNamespace) -> None:
    asked = bench.command.Asked("song-bell", None, "^$", "", "^$", "^$", "^$", True, "b nearest")
    song = load_song(find_song("greensleeves"))
    arrangement, outcome = asked.arranged(song), bench.rules.nearest(song, build_instrument("song-bell"))
    assert np.array_equal(arrangement.struck, outcome.struck)
    assert arrangement.melody == len(np.unique(outcome.carrier[arrangement.roles == Priority.MELODY]))
    row = bench.command.of_file(Path(find_song("greensleeves")), asked)
    assert row["score"] < 100
    assert "shift" not in row


def test_rules_and_disguises_take_notes_of_a_second_port(bench: SimpleNamespace) -> None:
    written = [(0.5 * place, 72 + place, 72 + place, TUNE) for place in range(4)]
    song = arranged(written).song
    notes = song.notes.copy()
    notes["channel"] = [0, 17, 25, 31]
    song = replace(song, notes=as_notes(notes))
    assert len(bench.rules.by_channel(song, build_instrument("song-bell")).strikes) == 4
    other, order = bench.rules.disguised(song)
    assert sorted(order.tolist()) == [0, 1, 2, 3]
    assert other.notes["channel"].tolist()[1:] == [17, 25, 31]


def test_two_states_are_compared_on_the_files_that_both_have(bench: SimpleNamespace, tmp_path: Path) -> None:
    one, two = (str(find_song(name)) for name in ("sakura", "greensleeves"))
    words = ["--no-transpositions", "--first", "^$"]
    before = ["--preset", "solo", "--json", str(tmp_path / "before.json")]
    assert CliRunner().invoke(bench.command.main, [one, two, *words, *before]).exit_code == 1
    run = CliRunner().invoke(bench.command.main, [one, *words, "--against", str(tmp_path / "before.json")])
    assert run.output.startswith("1 files, 0 of them without their accompaniment, 0 left out")
    line = next(line for line in run.output.splitlines() if line.startswith(" notes sounded"))
    rows = json.loads((tmp_path / "before.json").read_text())
    assert len(rows) == 2
    assert "0.00 / 0.00 %" in line
