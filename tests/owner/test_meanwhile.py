"""What an owner is asked for while what was asked for before is still being made ready."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from owner.held import BEATS, ME, OTHER, Held, song
from xylophone.arranger import Arrangement
from xylophone.errors import FileError, OptionError, PlayerError


@pytest.mark.parametrize("asked", [True, False])
def test_a_song_that_begins_before_another_is_transposed_is_the_one_that_is_heard(
    held: Held, asked: bool
) -> None:
    """Whether somebody has asked for it, or its turn has come."""
    short, long = song(held.folder, "short"), song(held.folder, "long", 2 * BEATS)
    held.at(1.0, "play", songs=[long] if asked else [short, long])
    held.busy(2.0, 5.0)
    up = held.at(2.1, "transpose", by=2)
    if asked:
        held.at(2.2, "play", songs=[short])
    held.until(20.0)
    with pytest.raises(PlayerError, match="it was over before it was made anew"):
        up.result(0)
    assert len([time for time in held.heard() if time > 5.15 or not asked]) == (BEATS if asked else 3 * BEATS)


WRONG = [
    {"songs": [{"path": "/nowhere.mid"}]},
    {"songs": [{"path": "/nowhere.mid"}] * 2},
    {"start": 999.0},
    {"limit": 1, "speed": 1.0},
]


@pytest.mark.parametrize("wrong", WRONG)
def test_a_play_that_is_refused_changes_nothing(held: Held, wrong: dict[str, Any]) -> None:
    a, b, c = song(held.folder, "a"), song(held.folder, "b"), song(held.folder, "c", 1300)
    told: list[Any] = []
    first = held.at(1.0, "play", songs=[a, b], speed=0.8, repeat=True)
    refused = held.at(2.0, "play", **{"songs": [c], "speed": 2.0, "volume": 30, **wrong})
    held.clock.at(2.2, lambda: told.append(held.ask("state").result(0)["state"]))
    rows = held.at(2.2, "queue")
    held.at(9.0, "finish", on=True)
    held.until(20.0)
    assert isinstance(refused.exception(0), FileError | OptionError)
    assert first.result(0)["state"]["song"] == told[0]["song"]
    assert (told[0]["speed"], told[0]["volume"], told[0]["repeat"]) == (0.8, 100, True)
    assert told[0]["queue"] == {"count": 1, "next": "b"}
    assert [row["state"] for row in rows.result(0)["entries"]] == ["playing", "ready"]
    assert held.titles() == ["a", "b", "a"]
    assert len(held.heard()) == 3 * BEATS


def test_while_a_song_is_made_ready_the_state_names_the_one_that_is_heard(held: Held) -> None:
    """Also where that one's follower begins meanwhile; it leaves no trace in the queue of the new one."""
    a, b, c = (song(held.folder, name) for name in "abc")
    held.at(1.0, "play", songs=[a, b])
    held.busy(2.0, 6.0)
    played = held.at(2.1, "play", songs=[c])
    told = [held.at(moment, "state") for moment in (3.0, 5.0)]
    rows = held.at(7.0, "queue")
    held.until(12.0)
    assert [answer.result(0)["state"]["song"]["title"] for answer in told] == ["a", "b"]
    assert [answer.result(0)["state"]["preparing"] for answer in told] == ["c", "c"]
    assert [row["title"] for row in rows.result(0)["entries"]] == ["c"]
    assert played.result(0)["state"]["song"]["title"] == "c"
    assert held.titles() == ["a", "b", "c"]


def test_songs_that_are_added_and_a_volume_that_is_set_outlast_a_play_that_is_refused(held: Held) -> None:
    a, b = song(held.folder, "a"), song(held.folder, "b")
    held.at(1.0, "play", songs=[a])
    held.busy(2.0, 3.0)
    held.at(2.1, "play", songs=[{"path": "/nowhere.mid"}])
    held.at(2.2, "volume", to=40)
    held.at(2.3, "add", songs=[b])
    softer = held.at(4.0, "volume", by=-10)
    held.until(12.0)
    assert held.titles() == ["a", "b"]
    assert softer.result(0)["state"]["volume"] == 30


@pytest.mark.parametrize("new", [True, False])
def test_a_client_that_leaves_ends_its_own_song_and_no_other_while_another_is_made_ready(
    held: Held, new: bool
) -> None:
    """It has asked for the new song, or for the one that is heard while another's is made ready."""
    long, nowhere = song(held.folder, "long", 40), {"path": "/nowhere.mid"}
    held.clock.at(1.0, lambda: held.ask("play", OTHER if new else ME, songs=[long], attached=True))
    held.busy(2.0, 4.0)
    held.clock.at(2.1, lambda: held.ask("play", ME if new else OTHER, songs=[nowhere], attached=True))
    held.clock.at(3.0, lambda: held.desk.left(ME))
    held.until(20.0)
    assert held.titles() == ["long"]
    assert (len(held.heard()) == 40) is new
    assert max(held.heard()) < (12.0 if new else 3.3)


def test_what_was_next_once_and_is_no_more_takes_no_memory(held: Held) -> None:
    """While one song is repeated, and nothing begins that could tell what is over."""
    songs = [song(held.folder, str(number)) for number in range(30)]
    held.at(1.0, "play", songs=[song(held.folder, "long", 40)])
    held.at(1.5, "loop", begin=0.0, end=1.0)
    for number, each in enumerate(songs):
        held.at(2.0 + number, "insert", songs=[each])
    kept: list[int] = []

    def count() -> None:
        gc.collect()
        kept.append(sum(isinstance(each, Arrangement) for each in gc.get_objects()))

    held.clock.at(3.9, count)
    held.clock.at(31.9, count)
    held.until(32.0)
    assert kept[1] - kept[0] < 10
