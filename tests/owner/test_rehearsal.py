"""The fixture `xylophone_owner`: real clients, and time that passes when a test lets it."""

from __future__ import annotations

import threading

import pytest

from xylophone import OwnerClient, find_song
from xylophone.errors import OptionError, PlayerError, SafetyError
from xylophone.owner.rehearsal import RehearsedOwner

SONG = {"path": str(find_song("sakura").resolve())}


def test_time_stands_still_until_it_is_let_pass(xylophone_owner: RehearsedOwner) -> None:
    with OwnerClient.connect() as client:
        client.do("play", songs=[SONG])
        assert xylophone_owner.now == 0.0
        xylophone_owner.pass_time(10.0)
        assert xylophone_owner.now == 10.0
        struck = len(xylophone_owner.heard())
        assert struck > 5
        assert client.do("state")["state"]["position"] == pytest.approx(10.0, abs=0.3)
        client.do("pause")
        xylophone_owner.pass_time(60.0)
        assert len(xylophone_owner.heard()) == struck
        client.do("resume")
        xylophone_owner.pass_time(100.0)
        assert client.do("state")["state"]["state"] == "idle"


def test_clients_are_told_what_comes(xylophone_owner: RehearsedOwner) -> None:
    with xylophone_owner.connect() as follower, xylophone_owner.connect() as client:
        events = follower.follow("state", "ahead")
        first = next(events)
        assert first["state"]["state"] == "idle"
        client.do("play", songs=[SONG])
        xylophone_owner.pass_time(2.0)
        kinds = [next(events)["event"] for _ in range(4)]
        assert {"state", "ahead"} <= set(kinds)


def test_a_stop_holds(xylophone_owner: RehearsedOwner) -> None:
    with xylophone_owner.connect() as client:
        client.do("play", songs=[SONG])
        xylophone_owner.pass_time(3.0)
        answer = client.do("stop")
        assert answer["coils"] == "all coils are off"
        with pytest.raises(SafetyError):
            client.do("resume")
        client.do("release")
        client.do("play", songs=[SONG])
        xylophone_owner.pass_time(3.0)
        assert len(xylophone_owner.times("A5")) > 0


def test_time_does_not_run_backwards(xylophone_owner: RehearsedOwner) -> None:
    for seconds in (-1.0, float("nan")):
        with pytest.raises(OptionError, match="give 0 or more"):
            xylophone_owner.pass_time(seconds)


def test_an_owner_that_has_ended_says_so(xylophone_owner: RehearsedOwner) -> None:
    xylophone_owner._service.core.leave()
    with pytest.raises(PlayerError, match="no time passes"):
        xylophone_owner.pass_time(1.0)
    assert "rehearsed-owner" not in [thread.name for thread in threading.enumerate() if thread.is_alive()]
