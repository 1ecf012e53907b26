"""A time that is given to an owner, and what else `play` asks of it: as where it plays without one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest

from cli.test_evening import evening_of, heard
from owner.held import BEATS, Held, song
from xylophone.errors import BackendError, OptionError

LONG = 1300
"""Notes of a song that lasts five minutes and more."""


@pytest.fixture
def songs(songs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return songs[:3]


@pytest.mark.parametrize("limit", [1.0, 2.5, 3.0, 5.5, 6.0, 14.0])
def test_as_many_songs_are_heard_as_without_an_owner(
    held: Held, songs: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: float
) -> None:
    monkeypatch.chdir(tmp_path)
    with evening_of("a", "b", "c", passes=None, limit=limit) as evening:
        without = len(heard(evening))
    held.at(1.0, "play", songs=songs, repeat=True, limit=limit)
    held.until(60.0)
    assert len(held.heard()) == without
    assert without % BEATS == 0
    assert held.events[-1]["state"]["state"] == "idle"


def test_when_the_time_is_up_nothing_is_left_of_it(held: Held, songs: list[dict[str, Any]]) -> None:
    held.at(1.0, "play", songs=songs, repeat=True, limit=4.0, gap=0.5)
    during = held.at(2.0, "state")
    after = held.at(20.0, "state")
    held.at(30.0, "add", songs=songs[2:])
    held.until(60.0)
    assert during.result(0)["state"]["until"] == pytest.approx(5.0, abs=0.2)
    state = after.result(0)["state"]
    assert (state["state"], state["until"], state["repeat"]) == ("idle", None, False)
    assert state["queue"]["count"] == 0
    assert held.titles() == ["a", "b", "c"]


def test_a_pause_counts_and_the_song_that_plays_is_played_to_its_end(
    held: Held, songs: list[dict[str, Any]]
) -> None:
    eight = song(held.folder, "eight", 4 * BEATS)
    held.at(1.0, "play", songs=[eight, *songs], repeat=True, limit=10.0)
    held.at(2.0, "pause")
    held.at(12.0, "resume")
    held.until(40.0)
    assert held.titles() == ["eight"]
    assert len(held.heard()) == 4 * BEATS


def test_next_begins_nothing_when_the_time_is_up(held: Held, songs: list[dict[str, Any]]) -> None:
    held.at(1.0, "play", songs=songs, limit=3.0)
    held.at(1.5, "next")
    held.at(2.0, "pause")
    last = held.at(5.0, "next")
    held.until(20.0)
    assert last.result(0)["state"]["state"] == "idle"
    assert held.titles() == ["a", "b"]


def test_a_song_that_is_far_too_long_does_not_begin(
    held: Held, songs: list[dict[str, Any]], tmp_path: Path
) -> None:
    long = song(tmp_path, "long", LONG)
    held.at(1.0, "play", songs=[songs[0], long], limit=10.0)
    refused = held.at(20.0, "play", songs=[long], limit=10.0)
    held.until(30.0)
    assert held.titles() == ["a"]
    with pytest.raises(OptionError, match="a time of 0:10 is too short: long lasts 5:2"):
        refused.result(0)


def test_a_time_ends_with_its_music_not_with_a_backend_that_comes_back(
    held: Held, songs: list[dict[str, Any]]
) -> None:
    held.at(1.0, "play", songs=songs, repeat=True, limit=6.0)
    held.clock.at(2.0, lambda: held.backends[-1]._faults.add(2.0, "the bus fails", BackendError))
    held.at(20.0, "play", songs=songs, repeat=True, limit=6.0)
    held.at(20.5, "end")
    ended = held.at(21.0, "state")
    held.until(60.0)
    assert len(held.backends) == 2
    assert held.titles() == ["a", "b", "a"]
    assert (ended.result(0)["state"]["until"], ended.result(0)["state"]["repeat"]) == (None, False)


def test_a_song_alone_is_repeated_as_its_file_means_it(held: Held, tmp_path: Path) -> None:
    looped, other = looped_song(tmp_path), song(tmp_path, "other")
    held.at(1.0, "play", songs=[looped], repeat=True)
    loop = held.at(6.0, "state")
    held.at(10.0, "add", songs=[other])
    held.at(13.0, "finish", on=True)
    held.until(40.0)
    assert loop.result(0)["state"]["loop"] == [pytest.approx(0.5), pytest.approx(1.0)]
    assert held.titles() == ["looped", "other"]
    assert len([time for time in held.heard() if 3.2 < time < 9.8]) > 20  # it ends after two seconds


ENDING = ({"repeat": False}, {"repeat": True, "limit": 3.0}, {"repeat": True, "start": 1.5})


@pytest.mark.parametrize("more", ENDING)
def test_loop_points_hold_for_a_song_that_has_no_other_end(
    held: Held, tmp_path: Path, more: dict[str, Any]
) -> None:
    held.at(1.0, "play", songs=[looped_song(tmp_path)], **more)
    loop = held.at(2.0, "state")
    held.until(3.0)
    assert loop.result(0)["state"]["loop"] is None


def looped_song(folder: Path) -> dict[str, Any]:
    """Write a song of two seconds that means its second half second to be repeated."""
    made = song(folder, "looped")
    file = mido.MidiFile(made["path"])
    markers = mido.MidiTrack()
    beat = file.ticks_per_beat  # 0.5 s
    markers.append(mido.MetaMessage("marker", text="loopStart", time=beat))
    markers.append(mido.MetaMessage("marker", text="loopEnd", time=beat))
    file.tracks.append(markers)
    file.save(made["path"])
    return made


def test_a_roll_is_what_was_told_and_then_the_owners_own_again(held: Held, tmp_path: Path) -> None:
    path = tmp_path / "chord.mid"
    track = mido.MidiTrack(
        [mido.Message("note_on", note=72 + n, velocity=120) for n in range(12)]
        + [mido.Message("note_off", note=72, time=480)]
    )
    mido.MidiFile(tracks=[track]).save(path)
    chord = {"path": str(path), "as_written": True, "transpose": 0}
    for moment, told in ((1.0, {"roll": False}), (21.0, {}), (41.0, {"roll": True})):
        held.at(moment, "play", songs=[chord], **told)
    held.until(60.0)
    struck = [len([time for time in held.heard() if moment < time < moment + 20]) for moment in (1, 21, 41)]
    assert struck[0] < struck[1] == struck[2]


def test_a_song_alone_is_repeated_without_a_silence(held: Held, songs: list[dict[str, Any]]) -> None:
    held.at(1.0, "play", songs=songs[:1], repeat=True)
    held.until(30.0)
    assert len(held.heard()) > 100
    assert max(np.diff(held.heard())) < 0.3
    assert held.titles() == ["a"]


@pytest.mark.parametrize("how", ["time", "finish"])
def test_a_part_that_is_repeated_goes_on_to_its_end(held: Held, tmp_path: Path, how: str) -> None:
    ten = song(tmp_path, "ten", 5 * BEATS)
    held.at(1.0, "play", songs=[ten], repeat=True, **({"limit": 6.0} if how == "time" else {}))
    held.at(1.1, "loop", begin=0.0, end=1.0)
    if how == "finish":
        held.at(7.0, "finish", on=True)
    held.until(40.0)
    assert 15.0 < held.heard()[-1] < 18.0
    assert held.events[-1]["state"]["state"] == "idle"


def test_a_song_that_repeats_comes_again_as_it_was_asked_for_last(
    held: Held, songs: list[dict[str, Any]]
) -> None:
    held.at(1.0, "play", songs=songs[:1], repeat=True)
    held.at(1.5, "transpose", by=2)
    later = held.at(8.0, "state")
    held.until(9.0)
    assert later.result(0)["state"]["transpose"] == 2
