"""`xylophone tune auto` before simulated hammers: what it says and writes, and what it leaves as it was."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import wave
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli.hearing import (
    BARS,
    CALIBRATION,
    CONFIG,
    HISTORY,
    PLAN,
    SESSION,
    TAKE,
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
from soundcard.soundcards import Library
from tuning.sessions import distance
from xylophone.calibration.file import default_calibration, read_calibration, write_calibration
from xylophone.calibration.values import CURVES, Calibration
from xylophone.clock import VirtualClock
from xylophone.config import load_settings
from xylophone.errors import TuningError
from xylophone.instrument import Instrument, build_instrument
from xylophone.simulation.bench import measure
from xylophone.simulation.ear import Room, SimulatedMicrophone
from xylophone.simulation.faults import Planted
from xylophone.simulation.hammers import Twin
from xylophone.sound.wav import read_wav, write_wav
from xylophone.tuning.edits import later
from xylophone.tuning.trials import pulses_of, read_plan


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Home:
    return tuned_home(tmp_path_factory.mktemp("tuned"), cache)


@pytest.fixture(scope="module")
def instrument(tuned: Home) -> Instrument:
    return load_settings(tuned.folder / "xylophone.toml").instrument


@pytest.fixture(scope="module")
def truth(instrument: Instrument) -> Calibration:
    return measure(Twin(instrument, 2))


@pytest.fixture
def place(tuned: Home, xylophone: Run, tmp_path: Path) -> Path:
    """The folder where commands run, the hammers being tuned there."""
    return copied(tuned, tmp_path)


@pytest.fixture
def bare(xylophone: Run, tmp_path: Path) -> Path:
    """The folder where commands run, nothing being tuned there."""
    (tmp_path / "xylophone.toml").write_text(CONFIG)
    return tmp_path


# what it says and writes


def test_it_says_what_was_measured_and_where_it_was_written(tuned: Home) -> None:
    assert re.fullmatch(
        r"measured 6 of 6 hammers by \d\d\d strikes in 0 min \d\d s\n"
        r"strikes scatter by 0\.[23]\d ms and 0\.[123]\d dB; latencies are known to 0\.[012]\d ms, "
        r"loudness to 0\.[0123]\d dB\n"
        r"all hammers share \d+\.\d dB of loudness( \(.*\))?\n"
        r"the supply sags \d\.\d times as much as the default says, which is made up for\n"
        r"wrote calibration-sim\.toml; xylophone tune undo takes it back\n",
        tuned.out,
    )


def test_the_calibration_is_near_the_true_one_and_says_where_it_comes_from(
    tuned: Home, truth: Calibration, instrument: Instrument
) -> None:
    found = read_calibration(tuned.folder / CALIBRATION)
    assert (found.hammers, found.kind, found.backend) == (BARS, instrument.kind.name, "sim:")
    assert found.origin == ("measured",) * 6
    assert found.measured == ("supply",)
    assert datetime.fromisoformat(found.tuned).tzinfo is not None
    now, before = distance(found, truth), distance(default_calibration(instrument), truth)
    # an average hammer counts as the default one: of six, the average is a rough guess of that
    assert 2.0 * now.usual_width < before.usual_width
    assert 1.5 * now.usual_latency < before.usual_latency


def test_session_and_history_are_kept(tuned: Home) -> None:
    assert sorted(contents(tuned.folder)) == [HISTORY, CALIBRATION, "xylophone.toml"]
    assert sorted(path.name for path in (tuned.folder / SESSION).iterdir()) == ["session.json", "take-1.wav"]
    (line,) = (tuned.folder / HISTORY).read_text().splitlines()
    entry = json.loads(line)
    assert (list(entry), entry["how"]) == (["when", "how", "latency_ms_and_level_db"], "auto")
    assert tuple(entry["latency_ms_and_level_db"]) == BARS
    with wave.open(str(tuned.folder / TAKE)) as take:
        assert (take.getnchannels(), take.getframerate(), take.getsampwidth()) == (1, 48000, 3)


def test_the_kept_session_leads_to_the_same_again_and_undo_returns_what_was_there(
    xylophone: Run, place: Path, tuned: Home
) -> None:
    before = contents(place)
    ran = xylophone("tune", "auto", "--from-wav", TAKE, "--plan", PLAN)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[0] == tuned.out.splitlines()[0]
    assert ran.out.endswith("wrote calibration-sim.toml; xylophone tune undo takes it back\n")
    again = distance(read_calibration(place / CALIBRATION), read_calibration(tuned.folder / CALIBRATION))
    assert again.usual_width < 0.02
    assert again.usual_latency < 0.1
    assert xylophone("tune", "undo").code == 0
    assert contents(place)[CALIBRATION] == before[CALIBRATION]


def test_a_dry_run_writes_nothing(xylophone: Run, place: Path) -> None:
    before = contents(place)
    ran = xylophone("tune", "auto", "--from-wav", TAKE, "--plan", PLAN, "--dry-run")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.endswith("\nnothing was written to calibration-sim.toml\n")
    assert contents(place) == before


def test_it_writes_where_it_is_told(xylophone: Run, place: Path) -> None:
    before = contents(place)
    ran = xylophone("tune", "auto", "--from-wav", TAKE, "--plan", PLAN, "--calibration", "mine/c.toml")
    undo = "xylophone tune undo --calibration mine/c.toml"
    assert (ran.code, ran.out.splitlines()[-1]) == (0, f"wrote mine/c.toml; {undo} takes it back")
    assert read_calibration(place / "mine" / "c.toml").origin == ("measured",) * 6
    assert (place / "mine" / "c.history.jsonl").exists()
    assert contents(place) == before


# hammers that are out of order


def faults(out: str) -> list[str]:
    return [line for line in out.splitlines() if re.match(r"\S+ is (dead|weak|double|swapped|un)", line)]


def test_a_hammer_that_could_not_be_measured_keeps_the_default_or_its_earlier_curves(
    xylophone: Run, bare: Path, tuned: Home, instrument: Instrument, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_faults(monkeypatch, {4: Planted.DEAD})
    ran = xylophone("tune", "auto")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("measured 5 of 6 hammers by ")
    (line,) = faults(ran.out)
    assert line.startswith("G6 is dead: no sound from ")
    new, default = read_calibration(bare / CALIBRATION), default_calibration(instrument)
    assert new.origin == ("measured",) * 4 + ("default", "measured")
    assert np.allclose(new.width[4], default.width[4], atol=1e-7)
    known = json.loads((bare / HISTORY).read_text())["latency_ms_and_level_db"]
    assert tuple(known) == (*BARS[:4], BARS[5])

    (bare / CALIBRATION).write_bytes((tuned.folder / CALIBRATION).read_bytes())
    assert xylophone("tune", "auto", "--from-wav", TAKE, "--plan", PLAN).code == 0
    old, new = read_calibration(tuned.folder / CALIBRATION), read_calibration(bare / CALIBRATION)
    assert new.origin == ("measured",) * 6
    for key in ("level", *CURVES):
        assert np.array_equal(getattr(new, key)[4], getattr(old, key)[4])
    assert not np.array_equal(new.width[0], old.width[0])


MOST = (0, 2, 4, 5)
"""More than half of the hammers; not the one that is struck again and again."""


def test_where_more_than_half_of_the_hammers_are_dead_nothing_is_written(
    xylophone: Run, bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_faults(monkeypatch, dict.fromkeys(MOST, Planted.DEAD))
    ran = xylophone("tune", "auto")
    refused(ran, 1, "only 2 of 6 hammers could be measured", "mend what is named", "calibration is as it was")
    assert [line.split(":")[0] for line in faults(ran.out)] == [f"{BARS[place]} is dead" for place in MOST]
    assert sorted(contents(bare)) == ["xylophone.toml"]


def test_where_more_than_half_are_dead_an_earlier_calibration_stays(
    xylophone: Run, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(place)
    with_faults(monkeypatch, dict.fromkeys(MOST, Planted.DEAD))
    refused(xylophone("tune", "auto"), 1, "only 2 of 6 hammers could be measured")
    assert contents(place) == before


# what is wrong with the microphone or the room


@pytest.mark.parametrize(
    ("room", "words"),
    [
        ({"gain": 0.0}, ["is silent", "check that the microphone is connected, chosen and not muted"]),
        ({"gain": 40.0}, ["clips, first at 1.", "lower the microphone's gain or move it away"]),
        ({"snr_db": -10.0}, ["room is too loud, -", "dB re full scale", "make it quieter, or lower"]),
    ],
    ids=["silence", "clipping", "loud room"],
)
def test_a_microphone_that_hears_nothing_useful_ends_it_in_one_line(
    xylophone: Run, place: Path, monkeypatch: pytest.MonkeyPatch, room: dict[str, float], words: list[str]
) -> None:
    before = contents(place)
    in_a_room(monkeypatch, **room)
    ran = xylophone("tune", "auto")
    refused(ran, 1, *words)
    assert ran.out == ""
    assert contents(place) == before


@pytest.mark.parametrize(
    ("card", "code", "words"),
    [
        (None, 1, ["no microphone: ", "-m pip install sounddevice"]),
        (Library(error="Error querying device -1"), 3, ["no microphone: Error querying", "--from-wav"]),
        (Library(), 3, ["no microphone: No input device matching 'Blue'", "name it with --device"]),
    ],
    ids=["no library", "no device", "no such name"],
)
@pytest.mark.parametrize("command", ["auto", "check"])
def test_hammers_without_a_microphone_are_not_struck(
    xylophone: Run,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    card: Library | None,
    code: int,
    words: list[str],
    command: str,
) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", card)
    before = contents(place)
    options = ("--backend", "gpio:null", "--device", "Blue", "--yes", "--calibration", CALIBRATION)
    ran = xylophone("tune", command, *options)
    refused(ran, code, *words)
    assert (ran.out, contents(place)) == ("", before)


def test_it_asks_before_hammers_that_are_not_simulated_are_struck(
    xylophone: Run, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", Library(error="opened though the answer was no"))
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda text: "n")
    ran = xylophone("tune", "auto", "--backend", "gpio:null")
    assert ran.code != 0
    assert "opened" not in ran.err


def test_a_calibration_that_cannot_be_written_is_told_and_the_session_is_kept(
    xylophone: Run, place: Path
) -> None:
    before = contents(place)
    ran = xylophone(
        "tune", "auto", "--from-wav", TAKE, "--plan", PLAN, "--calibration", "xylophone.toml/c.toml"
    )
    refused(ran, 1, "xylophone.toml", "--calibration")
    assert contents(place) == before
    assert (place / TAKE).exists()


# recordings


def cut(sound: np.ndarray, rate: int) -> np.ndarray:
    middle = len(sound) // 2
    return np.delete(sound, slice(middle, middle + rate // 100))


@pytest.mark.parametrize(
    ("change", "rate", "words"),
    [
        (cut, 48000, ["the recording jumps by ", "lost samples", "record again"]),
        (
            lambda sound, rate: sound[: 20 * rate],
            48000,
            ["ends after 20.0 s", "cut short", "record the whole"],
        ),
        (lambda sound, rate: 0.0 * sound, 48000, ["is silent", "check that the microphone"]),
        (lambda sound, rate: np.clip(20 * sound, -1, 1), 48000, ["clips, first at", "lower the microphone"]),
        (lambda sound, rate: sound[::3], 16000, ["16000 samples a second", "give one of 22050 or more"]),
        (lambda sound, rate: sound[:0], 48000, ["session.wav holds no sound", "give the recording"]),
        (lambda sound, rate: sound[::-1], 48000, ["recording", "belongs to th"]),
    ],
    ids=["samples lost", "cut short", "silent", "clipped", "16 kHz", "empty", "another recording"],
)
def test_a_recording_that_teaches_nothing_is_refused(
    xylophone: Run, place: Path, change: Callable[..., np.ndarray], rate: int, words: list[str]
) -> None:
    sound, recorded = read_wav(place / TAKE)
    write_wav(place / "session.wav", change(sound, recorded)[:, None], rate, channels=1, bits=24)
    before = contents(place)
    ran = xylophone("tune", "auto", "--from-wav", "session.wav", "--plan", PLAN)
    refused(ran, 1, *words)
    assert (ran.out, contents(place)) == ("", before)


@pytest.mark.parametrize(
    ("wav", "plan", "words"),
    [
        (TAKE, "broken.json", ["broken.json is no plan of a tuning session", "give the session.json of one"]),
        (TAKE, "nan.json", ["nan.json is no plan of a tuning session", "give the session.json of one"]),
        (TAKE, "long.json", ["long.json is no plan of a tuning session", "give the session.json of one"]),
        (TAKE, "xylophone.toml", ["xylophone.toml is no plan of a tuning session"]),
        (TAKE, "gone.json", ["cannot read gone.json", "there is no such file"]),
        (TAKE, "twice.json", ["twice.json is of 2 recordings", "--resume"]),
        (TAKE, "other.json", ["other.json is for another instrument", "hammer C#5", "--config"]),
        (TAKE, "kind.json", ["kind.json is for another instrument", "hammers are jf-0530b", "--config"]),
        ("gone.wav", PLAN, ["cannot read gone.wav", "check the name"]),
        ("xylophone.toml", PLAN, ["xylophone.toml is no WAV file", "save it as WAV, PCM"]),
        ("home", PLAN, ["cannot read home"]),
    ],
)
def test_files_that_are_none_are_named(
    xylophone: Run, place: Path, wav: Path, plan: Path, words: list[str]
) -> None:
    text = (place / PLAN).read_text()
    content = json.loads(text)
    (place / "broken.json").write_text(text[:-50])
    (place / "nan.json").write_text(text.replace("[\n[", '[\n[NaN, 10.0, "C6", "curve"],\n[', 1))
    long = [[-1e7, *content["takes"][0][0][1:]], *content["takes"][0][1:]]
    (place / "long.json").write_text(json.dumps(content | {"takes": [long]}))
    changed = json.dumps(content | {"takes": content["takes"] + [content["takes"][0]]})
    (place / "twice.json").write_text(changed)
    (place / "other.json").write_text(text.replace('"D5"', '"C#5"'))
    (place / "kind.json").write_text(text.replace(content["kind"], "jf-0530b"))
    before = contents(place)
    ran = xylophone("tune", "auto", "--from-wav", wav, "--plan", plan)
    refused(ran, 1, *words)
    assert (ran.out, contents(place)) == ("", before)


@pytest.mark.parametrize("arguments", [["--from-wav", TAKE], ["--plan", PLAN]])
def test_recording_and_plan_belong_together(xylophone: Run, place: Path, arguments: list[Any]) -> None:
    before = contents(place)
    refused(xylophone("tune", "auto", *arguments), 2, "--from-wav and --plan belong together")
    assert contents(place) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--mic", "behind"], ["--mic 'behind' is no place", "front (1 m before the middle)"]),
        (["--mic", "0.4"], ["--mic '0.4' is no place", "two numbers"]),
        (["--mic", "0.4,99"], ["before 99 m is out of range", "0.05..10"]),
        (["--mic", "nan,1"], ["along nan m is out of range"]),
        (["--length", "9"], ["length 9 m is out of range", "0.1..5"]),
        (["--length", "long"], ["--length", "'long'"]),
    ],
)
def test_a_microphone_that_stands_nowhere_is_refused(
    xylophone: Run, place: Path, arguments: list[str], words: list[str]
) -> None:
    before = contents(place)
    refused(xylophone("tune", "auto", *arguments), 2, *words)
    assert contents(place) == before


# a session that breaks off


def sound_lost() -> None:
    raise TuningError("the sound card lost samples: go on with --resume")


def gone() -> None:
    raise TuningError("the microphone is gone")


def test_a_session_that_broke_off_is_gone_on_with(
    xylophone: Run, bare: Path, truth: Calibration, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        interrupted(patch, 14.0, gone)
        ran = xylophone("tune", "auto")
        refused(ran, 1, "the microphone is gone; what was recorded is kept in ", "six-sim; --resume goes on")
        assert sorted(contents(bare)) == ["xylophone.toml"]
    ran = xylophone("tune", "auto", "--resume")
    assert (ran.code, ran.err) == (0, "")
    strikes = int(re.match(r"going on with .*six-sim: (\d+) strikes are there\n", ran.out)[1])
    assert strikes == 25  # one round, and the reference
    found = distance(read_calibration(bare / CALIBRATION), truth)
    assert found.usual_width < 0.03
    assert found.usual_latency < 0.3
    assert sorted(path.name for path in (bare / SESSION).iterdir()) == [
        "session.json", "take-1.wav", "take-2.wav",
    ]  # fmt: skip


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_everything_in_place(
    xylophone: Run, place: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    before = contents(place)
    interrupted(monkeypatch, 14.0, lambda: os.kill(os.getpid(), number))
    ran = xylophone("tune", "auto", "--session", "here")
    assert (ran.code, ran.out, contents(place)) == (128 + number, "", before)
    assert "Traceback" not in ran.err
    assert "all coils are off; what was recorded is kept in here; --resume goes on with it\n" in ran.err
    assert sorted(path.name for path in (place / "here").iterdir()) == ["session.json", "take-1.wav"]


def test_an_error_that_names_the_remedy_itself_is_not_told_twice(
    xylophone: Run, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted(monkeypatch, 2.0, sound_lost)
    ran = xylophone("tune", "auto")
    refused(ran, 1, "lost samples: go on with --resume\n")


def test_a_session_that_broke_off_before_its_first_round_leaves_an_older_one_alone(
    xylophone: Run, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (place / PLAN).read_bytes()
    interrupted(monkeypatch, 2.0, gone)
    refused(xylophone("tune", "auto"), 1, "the microphone is gone\n")
    assert (place / PLAN).read_bytes() == before


@pytest.mark.parametrize("damaged", ["hello", "version = 9\n"])
def test_a_damaged_calibration_is_tuned_anew_and_kept_beside(
    xylophone: Run, place: Path, damaged: str
) -> None:
    (place / CALIBRATION).write_text(damaged)
    ran = xylophone("tune", "auto", "--from-wav", TAKE, "--plan", PLAN)
    assert ran.code == 0
    assert re.fullmatch(r"warning: calibration-sim\.toml: .*; nothing is taken over from it\n", ran.err)
    assert read_calibration(place / CALIBRATION).origin == ("measured",) * 6
    assert (place / "calibration-sim.versions" / "2-after-1.toml").read_text() == damaged


def test_hammers_that_the_instrument_has_not_stay_in_the_file(xylophone: Run, place: Path) -> None:
    wide = later(default_calibration(build_instrument()), 3, 0.001)
    write_calibration(place / CALIBRATION, wide)
    ran = xylophone("tune", "auto", "--from-wav", TAKE, "--plan", PLAN)
    assert (ran.code, ran.err) == (0, "")
    new = read_calibration(place / CALIBRATION)
    assert new.hammers == (*BARS, *(name for name in wide.hammers if name not in BARS))
    assert new.origin[:7] == ("measured",) * 6 + ("default",)
    for key in ("level", *CURVES):
        kept = getattr(new.select(wide.hammers[3:4]), key)
        assert np.allclose(kept, getattr(wide.select(wide.hammers[3:4]), key), rtol=0, atol=1e-9)


def test_an_earlier_one_with_other_knots_is_told_and_replaced(
    xylophone: Run, place: Path, instrument: Instrument
) -> None:
    whole = default_calibration(instrument)
    few = replace(whole, **{key: getattr(whole, key)[:, ::9] for key in ("level", *CURVES)})
    write_calibration(place / CALIBRATION, few)
    ran = xylophone("tune", "auto", "--from-wav", TAKE, "--plan", PLAN)
    assert ran.code == 0
    assert ran.err == (
        "warning: calibration-sim.toml: its curves have 4 knots, not 28; nothing is taken over from it\n"
    )


def test_a_broken_history_is_told_before_anything_is_struck(xylophone: Run, place: Path) -> None:
    (place / HISTORY).write_text("{broken\n")
    before = contents(place)
    for command in (("auto", "--from-wav", TAKE, "--plan", PLAN), ("auto",), ("check",)):
        ran = xylophone("tune", *command)
        refused(ran, 1, "calibration-sim.history.jsonl: line 1 is no entry of a history: take it out")
        assert (ran.out, contents(place)) == ("", before)


def test_there_is_nothing_to_go_on_with(xylophone: Run, bare: Path) -> None:
    refused(xylophone("tune", "auto", "--resume"), 1, "cannot read ", "session.json", "no such file")
    assert sorted(contents(bare)) == ["xylophone.toml"]


# recorded elsewhere


@pytest.mark.parametrize("rate", [44100])
def test_what_something_else_records_meanwhile_is_analysed_later(
    xylophone: Run,
    bare: Path,
    instrument: Instrument,
    truth: Calibration,
    monkeypatch: pytest.MonkeyPatch,
    rate: int,
) -> None:
    monkeypatch.setattr("xylophone.cli.stage.SystemClock", VirtualClock)
    ran = xylophone("tune", "auto", "--blind", "--session", "blind")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        "played 125 strikes; analyse the recording with: "
        "xylophone tune auto --from-wav RECORDING.wav --plan blind/session.json\n"
    )
    assert sorted(contents(bare)) == ["xylophone.toml"]
    (trials,), position = read_plan(bare / "blind" / "session.json", instrument)
    room = Room(position, late=7.12, ppm=-60.0)  # the recorder was started 7 s before
    ear = SimulatedMicrophone(instrument, room, rate)
    ear.hear(Twin(instrument, 2).play(pulses_of(trials, instrument)).hits)
    heard = ear.read(float(trials["start"][-1]) + 10.0)
    write_wav(bare / "phone.wav", heard[:, None], rate, channels=1, bits=24)
    ran = xylophone("tune", "auto", "--from-wav", "phone.wav", "--plan", "blind/session.json")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("measured 6 of 6 hammers by 125 strikes in ")
    assert "supply" not in ran.out
    found = read_calibration(bare / CALIBRATION)
    assert (found.origin, found.measured) == (("measured",) * 6, ())
    near = distance(found, truth)
    assert near.usual_width < 0.04
    assert near.usual_latency < 0.25
