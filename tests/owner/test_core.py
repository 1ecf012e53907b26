"""The owner's core: a queue that is played, a stop that holds, a backend that comes back."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path
from typing import Any

import pytest

from owner.held import BEATS, ME, OTHER, AtOnce, Held, song
from xylophone.backends.contract import Coils
from xylophone.collection.prepared import start_gone
from xylophone.errors import (
    BackendAbsent,
    BackendError,
    FileError,
    OptionError,
    PlayerError,
    SafetyError,
)
from xylophone.owner.feed import Heard
from xylophone.owner.latch import Latch
from xylophone.owner.latching import Latching


def test_songs_play_one_after_the_other(held: Held, songs: list[dict[str, Any]]) -> None:
    answer = held.at(1.0, "play", songs=songs[:3])
    held.until(30.0)
    assert held.titles() == ["a", "b", "c"]
    assert len(held.heard()) == 3 * BEATS
    assert answer.result(0)["state"]["song"]["title"] == "a"
    assert held.events[-1]["state"]["state"] == "idle"


def test_states_are_numbered_and_the_last_one_holds(held: Held, songs: list[dict[str, Any]]) -> None:
    held.at(1.0, "play", songs=songs[:1])
    held.at(2.0, "pause")
    held.at(3.0, "resume")
    held.until(20.0)
    states = [event for event in held.events if event["event"] == "state"]
    assert [event["rev"] for event in states] == list(range(1, len(states) + 1))
    words = [event["state"]["state"] for event in states]
    assert [word for n, word in enumerate(words) if n == 0 or words[n - 1] != word] == [
        "idle",
        "playing",
        "paused",
        "playing",
        "idle",
    ]


def test_what_is_added_follows_and_begins_where_nothing_plays(
    held: Held, songs: list[dict[str, Any]]
) -> None:
    held.at(1.0, "add", songs=songs[:1])
    held.at(2.0, "add", songs=songs[1:2])
    held.at(2.1, "insert", songs=songs[2:3])
    held.at(20.0, "add", songs=songs[3:])
    held.until(40.0)
    assert held.titles() == ["a", "c", "b", "d"]
    assert len(held.heard()) == 4 * BEATS


def test_the_queue_is_changed_while_it_plays(held: Held, songs: list[dict[str, Any]]) -> None:
    held.at(1.0, "play", songs=songs)
    held.at(2.0, "move", entry=4, to=0)
    held.at(2.5, "remove", entries=[2])
    held.until(40.0)
    assert held.titles() == ["a", "d", "c"]
    assert len(held.heard()) == 3 * BEATS


@pytest.mark.parametrize("moment", [2.6 + 0.05 * step for step in range(20)])
def test_what_is_next_is_changed_at_the_last_moment(
    held: Held, songs: list[dict[str, Any]], moment: float
) -> None:
    held.at(1.0, "play", songs=songs[:3], gap=0)
    held.at(moment, "remove", entries=[2])
    held.until(40.0)
    assert held.titles() in (["a", "c"], ["a", "b", "c"])
    assert len(held.heard()) == len(held.titles()) * BEATS


def test_the_queue_says_what_has_played_plays_and_is_to_come(held: Held, songs: list[dict[str, Any]]) -> None:
    held.at(1.0, "play", songs=[*songs, *songs])
    first, later = held.at(1.5, "queue"), held.at(5.0, "queue")
    held.at(5.5, "stop")
    stopped = held.at(6.0, "queue")
    held.at(7.0, "release")
    held.at(8.0, "next")
    again = held.at(9.0, "queue")
    held.until(10.0)
    assert states(first) == "playing ready" + " waiting" * 6
    assert states(later) == "played playing ready" + " waiting" * 5
    assert states(stopped).startswith("played played ")
    assert states(again).startswith("played played playing ")
    assert "playing" not in states(stopped)


def test_what_comes_round_again_is_ready_and_what_is_gone_back_to_waits(
    held: Held, songs: list[dict[str, Any]]
) -> None:
    held.at(1.0, "play", songs=songs[:2], repeat=True)
    rows = held.at(4.5, "queue")
    held.until(6.0)
    assert states(rows) == "ready playing"


def states(answer: Any) -> str:
    """Return the states of a queue's entries."""
    return " ".join(row["state"] for row in answer.result(0)["entries"])


def test_what_plays_cannot_be_taken_out(held: Held, songs: list[dict[str, Any]]) -> None:
    held.at(1.0, "play", songs=songs[:2])
    answer = held.at(2.0, "remove", entries=[2, 1])
    held.until(20.0)
    with pytest.raises(OptionError, match="entry 1 plays"):
        answer.result(0)
    assert held.titles() == ["a", "b"]


def test_next_and_previous(held: Held, songs: list[dict[str, Any]]) -> None:
    held.at(1.0, "play", songs=songs[:3])
    held.at(2.0, "next")
    held.at(3.0, "previous")
    held.at(4.0, "next")
    held.at(5.0, "next")
    answer = held.at(6.0, "next")
    held.until(30.0)
    assert held.titles() == ["a", "b", "a", "b", "c"]
    assert answer.result(0)["state"]["state"] == "idle"


def test_it_repeats_and_finishes_when_it_is_told_to(held: Held, songs: list[dict[str, Any]]) -> None:
    held.at(1.0, "play", songs=songs[:2], repeat=True)
    held.at(10.0, "finish", on=True)
    held.at(30.0, "next")
    held.until(31.5)
    titles = held.titles()
    assert titles[:4] == ["a", "b", "a", "b"]
    ended = next(e["state"] for e in held.events if e["event"] == "state" and e["state"]["state"] == "idle")
    assert ended
    assert not [time for time in held.heard() if 14.0 < time < 30.0]
    assert [time for time in held.heard() if time > 30.0]


def test_a_song_that_repeats_alone_is_whole_each_time(held: Held, songs: list[dict[str, Any]]) -> None:
    held.at(1.0, "play", songs=songs[:1], repeat=True)
    held.at(20.0, "repeat", on=False)
    held.until(40.0)
    assert len(held.heard()) % BEATS == 0
    assert len(held.heard()) >= 6 * BEATS


def test_one_that_cannot_be_played_is_told_and_passed_over(
    held: Held, songs: list[dict[str, Any]], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.mid"
    broken.write_bytes(b"no music")
    answer = held.at(1.0, "play", songs=[{"path": str(broken)}, songs[0], {"path": str(broken)}, songs[1]])
    rows = held.at(15.0, "queue")
    held.until(20.0)
    assert held.titles() == ["a", "b"]
    assert answer.result(0)["state"]["song"]["title"] == "a"
    assert [row["state"] for row in rows.result(0)["entries"]] == [
        "left out",
        "played",
        "left out",
        "played",
    ]
    assert len([line for line in held.lines if "broken.mid" in line]) == 2


def test_a_place_in_a_song_that_is_left_out_is_no_place_in_the_next(
    held: Held, songs: list[dict[str, Any]], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.mid"
    broken.write_bytes(b"no music")
    held.at(1.0, "play", songs=[{"path": str(broken)}, songs[0]], start=1.0)
    held.until(10.0)
    assert len(held.heard()) == BEATS
    (told,) = [event for event in held.events if event["event"] == "song"]
    assert told["lines"][-1] == start_gone(1.0)


def test_one_alone_that_cannot_be_played_is_what_the_client_is_told(held: Held, tmp_path: Path) -> None:
    answer = held.at(1.0, "play", songs=[{"path": str(tmp_path / "nowhere.mid")}])
    odd = held.at(2.0, "play", songs=[{"path": str(tmp_path / "nowhere.mid"), "preset": "no such"}])
    held.until(5.0)
    with pytest.raises(FileError, match="there is no such file"):
        answer.result(0)
    with pytest.raises((FileError, OptionError)):
        odd.result(0)


def test_a_stop_holds_until_it_is_released(held: Held, songs: list[dict[str, Any]]) -> None:
    held.at(1.0, "play", songs=songs)
    stop = held.at(2.0, "stop", why="a child's finger")
    refused = [held.at(3.0, name) for name in ("next", "pause", "resume", "previous")]
    refused.append(held.at(3.0, "play", songs=songs))
    held.at(3.5, "add", songs=songs)
    held.at(4.0, "volume", to=50)
    held.at(8.0, "release")
    again = held.at(9.0, "play", songs=songs[:1])
    held.until(20.0)
    assert stop.result(0)["coils"] == "all coils are off"
    assert stop.result(0)["state"]["stopped"]["why"] == "a child's finger"
    for answer in refused:
        with pytest.raises(SafetyError, match="release it first"):
            answer.result(0)
    assert not [time for time in held.heard() if 2.03 < time < 9.0]
    assert again.result(0)["state"]["volume"] == 50
    assert len([time for time in held.heard() if time > 9.0]) == BEATS


def test_a_stop_outlasts_its_owner(held: Held, songs: list[dict[str, Any]], tmp_path: Path) -> None:
    held.at(1.0, "stop")
    held.until(2.0)
    later = Held(tmp_path)
    refused = later.at(1.0, "play", songs=songs)
    later.at(2.0, "release")
    later.at(3.0, "play", songs=songs[:1])
    later.until(10.0)
    with pytest.raises(SafetyError):
        refused.result(0)
    assert len(later.heard()) == BEATS
    assert Latch(tmp_path / "state").read() is None


def test_a_stop_whose_latch_cannot_be_written_is_told_and_holds_all_the_same(
    held: Held, songs: list[dict[str, Any]], tmp_path: Path
) -> None:
    (tmp_path / "state").write_text("no folder")
    held.at(1.0, "play", songs=songs)
    stop = held.at(2.0, "stop")
    refused = held.at(3.0, "play", songs=songs)
    held.until(5.0)
    with pytest.raises(FileError, match="stopped, but a restart would not know of it"):
        stop.result(0)
    with pytest.raises(SafetyError):
        refused.result(0)
    assert not [time for time in held.heard() if time > 2.03]


def test_a_stop_that_comes_while_another_is_released_holds(
    held: Held, songs: list[dict[str, Any]], tmp_path: Path
) -> None:
    clear = Latch.clear

    class Slow(Latch):
        def clear(self) -> None:
            clear(self)
            held.ask("stop", why="again")

    held.core.latching = Latching(Slow(tmp_path / "state"), AtOnce())
    held.at(1.0, "stop")
    released = held.at(2.0, "release")
    refused = held.at(3.0, "play", songs=songs)
    held.until(5.0)
    with pytest.raises(SafetyError, match="stopped again meanwhile"):
        released.result(0)
    with pytest.raises(SafetyError):
        refused.result(0)
    assert Latch(tmp_path / "state").read() is not None


def test_a_board_that_is_stopped_from_elsewhere_latches(
    held: Held, songs: list[dict[str, Any]], tmp_path: Path
) -> None:
    held.at(1.0, "play", songs=songs)
    held.clock.at(2.0, lambda: held.backends[-1].stop())
    refused = held.at(3.0, "resume")
    held.until(5.0)
    with pytest.raises(SafetyError):
        refused.result(0)
    found = Latch(tmp_path / "state").read()
    assert found is not None
    assert found.who == "the instrument"


def test_a_backend_that_fails_is_opened_again_and_plays_on(held: Held, songs: list[dict[str, Any]]) -> None:
    held.at(1.0, "play", songs=songs[:2])
    held.clock.at(2.0, lambda: held.backends[-1]._faults.add(2.0, "the bus fails", BackendError))
    held.until(30.0)
    assert len(held.backends) == 2
    assert "the bus fails" in held.lines
    assert len(held.heard()) in (2 * BEATS, 2 * BEATS + 1)  # the one that was under way comes again
    assert held.titles()[-1] == "b"


def test_one_that_fails_again_and_again_is_asked_ever_less(held: Held) -> None:
    held.fails = [BackendError("the bus fails") for _ in range(100)]
    held.until(300.0)
    assert 10 < 100 - len(held.fails) < 20
    assert held.lines.count("the bus fails") == 1


def test_a_board_that_is_absent_is_waited_for_and_then_plays(held: Held, songs: list[dict[str, Any]]) -> None:
    held.fails = [BackendAbsent("no board") for _ in range(10)]
    held.at(2.0, "add", songs=songs[:1])
    refused = held.at(3.0, "play", songs=songs)
    held.until(20.0)
    with pytest.raises(BackendAbsent):
        refused.result(0)
    assert held.lines.count("no board") == 1
    assert len(held.heard()) == BEATS
    assert min(held.heard()) > 10.0


def test_one_that_ended_for_safety_is_not_opened_before_a_release(
    held: Held, songs: list[dict[str, Any]]
) -> None:
    held.at(1.0, "play", songs=songs)
    held.clock.at(2.0, lambda: held.backends[-1]._faults.add(2.0, "an output is stuck on", SafetyError))
    held.at(100.0, "release")
    held.at(105.0, "play", songs=songs[:1])
    held.until(120.0)
    assert len(held.backends) == 2
    assert not [time for time in held.heard() if 2.1 < time < 105.0]
    assert len([time for time in held.heard() if time > 105.0]) == BEATS


def test_relative_commands_add_up_where_the_state_is(held: Held, songs: list[dict[str, Any]]) -> None:
    held.at(1.0, "play", songs=songs, volume=50)
    for _ in range(3):
        held.at(2.0, "volume", by=5)
    last = held.at(2.0, "volume", by=-1)
    top = held.at(3.0, "volume", by=100)
    silent = held.at(4.0, "volume", by=-100)
    held.until(6.0)
    assert [answer.result(0)["state"]["volume"] for answer in (last, top, silent)] == [64, 100, 0]
    assert not [time for time in held.heard() if time > 4.3]


def test_a_ceiling_of_the_volume_is_never_passed(held: Held, songs: list[dict[str, Any]]) -> None:
    held.core.most_volume = 40.0
    answers = [held.at(1.0, "play", songs=songs, volume=90), held.at(2.0, "volume", to=100)]
    held.until(4.0)
    assert [answer.result(0)["state"]["volume"] for answer in answers] == [40, 40]


def test_a_transposition_is_made_anew_and_the_place_kept(held: Held, songs: list[dict[str, Any]]) -> None:
    held.at(1.0, "play", songs=songs[:2])
    up = held.at(2.0, "transpose", by=2)
    held.until(20.0)
    assert up.result(0)["state"]["transpose"] == 2
    assert held.titles() == ["a", "b"]
    assert len(held.heard()) == 2 * BEATS


def test_it_begins_at_a_moment_from_a_place(held: Held, songs: list[dict[str, Any]]) -> None:
    held.at(1.0, "play", songs=songs[:1], at=5.0, start=1.0)
    held.until(20.0)
    assert held.heard() == pytest.approx([5.0, 5.25, 5.5, 5.75], abs=3e-3)


def test_a_seek_is_answered_and_told_with_the_place_it_leads_to(held: Held, tmp_path: Path) -> None:
    held.at(1.0, "play", songs=[song(tmp_path, "long", 200)])
    steps = [held.at(5.0 + 0.03 * step, "seek", by=5.0) for step in range(3)]
    there = held.at(5.5, "seek", to=30.0)
    held.until(6.0)
    positions = [answer.result(0)["state"]["position"] for answer in (*steps, there)]
    assert positions == pytest.approx([9.0, 14.0, 19.0, 30.0], abs=0.2)
    told = {e["state"]["position"] for e in held.events if e["event"] == "state" and e["state"]["song"]}
    assert any(30.0 <= position < 30.01 for position in told)


def test_two_quick_steps_back_lead_to_the_song_before(held: Held, songs: list[dict[str, Any]]) -> None:
    ten = song(held.folder, "ten", 40)
    held.at(1.0, "play", songs=[songs[0], ten])
    held.at(8.0, "previous")
    held.at(8.05, "previous")
    held.until(9.0)
    assert held.titles() == ["a", "ten", "a"]


def test_nothing_plays_and_says_so(held: Held) -> None:
    answers = [held.at(1.0, name) for name in ("pause", "resume", "next", "previous", "release")]
    held.until(3.0)
    for answer in answers:
        with pytest.raises(PlayerError):
            answer.result(0)


def test_ending_is_no_stop(held: Held, songs: list[dict[str, Any]]) -> None:
    held.at(1.0, "play", songs=songs)
    held.at(2.0, "end")
    held.at(5.0, "next")
    held.until(6.9)
    assert not [time for time in held.heard() if 2.1 < time < 5.0]
    assert held.titles() == ["a", "b"]


def test_strikes_are_told_before_they_are_heard(held: Held, songs: list[dict[str, Any]]) -> None:
    held.at(1.0, "play", songs=songs[:1])
    held.until(10.0)
    ahead = [event["strikes"] for event in held.events if event["event"] == "ahead"]
    told = sorted(strike[0] for strikes in ahead for strike in strikes)
    assert told == pytest.approx(held.heard(), abs=3e-3)


def test_what_has_played_is_told_with_how_much_of_it(held: Held, songs: list[dict[str, Any]]) -> None:
    told: list[Heard] = []
    held.core.ended = told.append
    held.at(1.0, "play", songs=songs[:3])
    held.at(5.0, "next")
    held.at(5.2, "stop")
    held.until(10.0)
    rows = [(heard.entry.title, heard.finished) for heard in told]
    assert rows == [("a", True), ("b", False), ("c", False)]
    assert [heard.seconds for heard in told] == pytest.approx([3.1, 0.9, 0.2], abs=0.5)


def test_who_seeks_to_the_end_or_pauses_has_not_heard_that(held: Held, tmp_path: Path) -> None:
    told: list[Heard] = []
    held.core.ended = told.append
    ten = song(tmp_path, "ten", 40)
    held.at(1.0, "play", songs=[ten, ten])
    held.at(3.0, "seek", to=9.4)
    held.at(6.0, "pause")
    held.at(106.0, "resume")
    held.until(130.0)
    assert [heard.finished for heard in told] == [False, True]
    assert [heard.seconds for heard in told] == pytest.approx([3.4, 10.8], abs=0.8)


def test_what_a_client_has_begun_ends_when_it_leaves_and_its_songs_go_with_it(
    held: Held, songs: list[dict[str, Any]]
) -> None:
    held.at(1.0, "play", songs=songs[:2], attached=True, repeat=True)
    held.at(1.5, "add", songs=songs[2:3])
    held.clock.at(2.0, lambda: held.desk.left(ME))
    rows = held.at(3.0, "queue")
    held.until(30.0)
    assert held.titles() == ["a"]
    assert max(held.heard()) < 2.5
    assert [row["title"] for row in rows.result(0)["entries"]] == ["a"]
    assert held.events[-1]["state"]["state"] == "idle"


def test_what_others_have_added_plays_on_when_a_client_leaves(
    held: Held, songs: list[dict[str, Any]]
) -> None:
    held.at(1.0, "play", songs=songs[:2], attached=True)
    held.clock.at(1.5, lambda: held.ask("add", OTHER, songs=songs[2:3]))
    held.clock.at(2.0, lambda: held.desk.left(OTHER))
    held.clock.at(2.2, lambda: held.desk.left(ME))
    held.until(30.0)
    assert held.titles() == ["a", "c"]
    assert len([time for time in held.heard() if time > 2.3]) == BEATS


@pytest.mark.parametrize("attached", [True, False])
def test_a_client_that_leaves_ends_nothing_that_it_has_not_asked_for_so(
    held: Held, songs: list[dict[str, Any]], attached: bool
) -> None:
    """Another has given a play since, or it has not said that its own is attached."""
    held.at(1.0, "play", songs=songs[:1], attached=attached)
    if attached:
        held.clock.at(1.5, lambda: held.ask("play", OTHER, songs=songs[1:2]))
    held.clock.at(2.0, lambda: held.desk.left(ME))
    held.until(30.0)
    assert held.titles()[-1] == ("b" if attached else "a")
    assert held.heard()[-1] > 2.8


def test_a_client_that_leaves_before_its_song_has_begun_ends_it_too(
    held: Held, songs: list[dict[str, Any]]
) -> None:
    held.fails = [BackendAbsent("no board is there")]
    answer: list[Any] = []
    held.clock.at(0.0, lambda: answer.append(held.ask("play", songs=songs[:1], attached=True)))
    held.clock.at(0.5, lambda: held.desk.left(ME))
    held.until(10.0)
    assert held.heard() == []


def test_what_there_is_to_say_of_a_song_is_told(
    held: Held, songs: list[dict[str, Any]], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.mid"
    broken.write_bytes(b"no music")
    held.at(1.0, "play", songs=[{"path": str(broken)}, songs[0]])
    held.until(10.0)
    (told,) = [event for event in held.events if event["event"] == "song"]
    assert (told["entry"], told["left_out"], told["kind"]) == (1, True, "SongError")
    assert "broken.mid" in told["lines"][0]


def test_strikes_are_counted_up_to_the_end(held: Held, songs: list[dict[str, Any]]) -> None:
    held.at(1.0, "play", songs=songs[:1])
    after = held.at(9.0, "state")
    held.until(10.0)
    state = after.result(0)["state"]
    assert (state["struck"], state["not_struck"]) == (BEATS, {})


def test_a_stop_of_a_board_that_is_absent_says_what_is_known(held: Held) -> None:
    held.fails = [BackendAbsent("no board") for _ in range(100)]
    stop = held.at(2.0, "stop")
    held.until(5.0)
    assert stop.result(0)["coils"] == str(Coils.OFF_BY_LIMIT)
    assert stop.result(0)["state"]["state"] == "stopped"


def test_a_fault_is_told_to_clients_and_to_who_keeps_the_machine(held: Held) -> None:
    held.clock.at(2.0, lambda: held.backends[-1]._faults.add(2.0, "the fan stands still"))
    held.until(5.0)
    assert held.lines.count("the fan stands still") == 1
    told = [event["message"] for event in held.events if event["event"] == "fault"]
    assert told == ["the fan stands still"]


def test_garbage_is_collected_while_there_is_no_board_too(held: Held) -> None:
    """Clients come and go all the same, and nobody else collects."""

    class Ring:
        def __init__(self) -> None:
            self.own = self

    ring = weakref.ref(Ring())
    held.fails = [BackendAbsent("no board is plugged in")] * 60
    gc.disable()
    try:
        held.until(40.0)
    finally:
        gc.enable()
    assert ring() is None
