"""`xylophone tune check` before simulated hammers: what has drifted since they were tuned."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.hearing import (
    BARS,
    CALIBRATION,
    CONFIG,
    HISTORY,
    Home,
    Run,
    contents,
    copied,
    in_a_room,
    interrupted,
    refused,
    tuned_home,
    with_faults,
)
from xylophone.simulation.faults import Planted


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Home:
    return tuned_home(tmp_path_factory.mktemp("tuned"), cache)


@pytest.fixture
def place(tuned: Home, xylophone: Run, tmp_path: Path) -> Path:
    """The folder where commands run, the hammers being tuned there."""
    return copied(tuned, tmp_path)


def hows(place: Path) -> list[str]:
    return [json.loads(line)["how"] for line in (place / HISTORY).read_text().splitlines()]


def test_nothing_has_drifted_right_after_tuning(xylophone: Run, place: Path) -> None:
    before = contents(place)
    ran = xylophone("tune", "check")
    assert (ran.code, ran.out, ran.err) == (0, "all 6 hammers strike as they were tuned\n", "")
    after = contents(place)
    assert after.pop(HISTORY).startswith(before.pop(HISTORY))
    assert after == before


def test_the_history_grows_by_a_line_each_time(xylophone: Run, place: Path) -> None:
    for _ in range(2):
        assert xylophone("tune", "check").code == 0
    assert hows(place) == ["auto", "check", "check"]
    lines = (place / HISTORY).read_text().splitlines()
    tuned, checked = (json.loads(line)["latency_ms_and_level_db"] for line in lines[:2])
    assert tuple(checked) == BARS
    for bar in BARS:
        assert checked[bar] == pytest.approx(tuned[bar], abs=1.2)


def test_all_lists_every_hammer(xylophone: Run, place: Path) -> None:
    ran = xylophone("tune", "check", "--all")
    lines = ran.out.splitlines()
    assert (ran.code, lines[0].split()) == (0, ["bar", "later,", "ms", "louder,", "dB", "heard"])
    rows = [line.split() for line in lines[1:7]]
    assert [row[0] for row in rows] == list(BARS)
    for _, later, louder, heard, of, struck in rows:
        assert abs(float(later)) <= 1.2
        assert abs(float(louder)) <= 1.5
        assert (int(heard), of) == (int(struck), "of")


def test_other_hammers_than_were_tuned_are_named(xylophone: Run, place: Path) -> None:
    before = contents(place)
    ran = xylophone("tune", "check", "--backend", "sim:?seed=9", "--calibration", CALIBRATION)
    assert ran.code == 1
    assert ran.err.count("\n") == 1
    rows = [line.split() for line in ran.out.splitlines() if " of " in line]
    names = [row[0] for row in rows]
    assert len(names) >= 2
    assert names == [bar for bar in BARS if bar in names]
    assert ran.err == (
        f"xylophone: {len(names)} of 6 hammers have drifted ({', '.join(names)}): "
        f"xylophone tune auto --calibration {CALIBRATION} --backend 'sim:?seed=9'\n"
    )
    for _, later, louder, *_ in rows:
        assert abs(float(later)) >= 1.2 or abs(float(louder)) >= 1.5
    assert any(" since " in line and " has " in line for line in ran.out.splitlines())
    assert contents(place)[CALIBRATION] == before[CALIBRATION]
    assert hows(place) == ["auto", "check"]


def test_a_hammer_that_is_not_heard_is_named(
    xylophone: Run, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_faults(monkeypatch, {2: Planted.DEAD})
    ran = xylophone("tune", "check")
    assert ran.code == 1
    assert ran.err == (
        "xylophone: 1 of 6 hammers were not heard (G5): what is wrong is found by xylophone tune auto\n"
    )
    (row,) = [line.split() for line in ran.out.splitlines() if line.startswith("G5")]
    assert row[:4] == ["G5", "not", "heard", "0"]
    checked = json.loads((place / HISTORY).read_text().splitlines()[-1])["latency_ms_and_level_db"]
    assert tuple(checked) == tuple(bar for bar in BARS if bar != "G5")


def test_without_a_calibration_there_is_nothing_to_check(xylophone: Run, tmp_path: Path) -> None:
    (tmp_path / "xylophone.toml").write_text(CONFIG)
    ran = xylophone("tune", "check")
    refused(ran, 1, "there is no calibration-sim.toml", "nothing was tuned yet", "xylophone tune auto")
    assert (ran.out, sorted(contents(tmp_path))) == ("", ["xylophone.toml"])
    rehearsed = xylophone("tune", "check", "--backend", "sim:?dead=G5")
    assert rehearsed.err.endswith("begin with: xylophone tune auto --backend 'sim:?dead=G5'\n")


@pytest.mark.parametrize(
    ("room", "words"),
    [
        ({"gain": 0.0}, ["is silent", "check that the microphone is connected"]),
        ({"gain": 40.0}, ["clips, first at 1.", "lower the microphone's gain"]),
        ({"snr_db": -10.0}, ["room is too loud", "make it quieter"]),
    ],
    ids=["silence", "clipping", "loud room"],
)
def test_a_microphone_that_hears_nothing_useful_ends_it_in_one_line(
    xylophone: Run, place: Path, monkeypatch: pytest.MonkeyPatch, room: dict[str, float], words: list[str]
) -> None:
    before = contents(place)
    in_a_room(monkeypatch, **room)
    ran = xylophone("tune", "check")
    refused(ran, 1, *words)
    assert (ran.out, contents(place)) == ("", before)


def test_a_broken_history_is_named_and_stays(xylophone: Run, place: Path) -> None:
    (place / HISTORY).write_text("no = history\n")
    before = contents(place)
    refused(xylophone("tune", "check"), 1, f"{HISTORY}: line 1 is no entry of a history: take it out")
    assert contents(place) == before


def test_a_broken_calibration_is_named_before_anything_is_struck(
    xylophone: Run, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def struck() -> None:
        raise AssertionError

    interrupted(monkeypatch, 0.0, struck)
    (place / CALIBRATION).write_text("no = calibration\n")
    before = contents(place)
    refused(xylophone("tune", "check"), 1, CALIBRATION)
    assert contents(place) == before
