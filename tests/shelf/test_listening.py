"""Whether a song was heard to its end, and for how long."""

from __future__ import annotations

from dataclasses import replace

import pytest

from xylophone.owner.placed import NOWHERE
from xylophone.player import PlayerState, Snapshot
from xylophone.shelf.listening import Listening

PLAYING, PAUSED = PlayerState.PLAYING, PlayerState.PAUSED
TICK = 0.25


def heard(
    *parts: tuple[float, float], speed: float = 1.0, duration: float = 60.0, tick: float = 0.25
) -> Listening:
    """Listen to parts of a song, each from a song time to another, with a leap between them."""
    listening, now = Listening(100.0), 100.0
    for begin, end in parts:
        position = begin
        while position < end:
            listening.look(shot(min(position, duration), speed, duration), now)
            now, position = now + TICK, position + TICK * speed
        now -= TICK
    return listening


def shot(position: float, speed: float, duration: float, state: PlayerState = PLAYING) -> Snapshot:
    return replace(NOWHERE, state=state, position=position, speed=speed, duration=duration)


@pytest.mark.parametrize("speed", [0.5, 1.0, 4.0, 10.0])
def test_a_song_that_plays_to_its_end_is_heard(speed: float) -> None:
    assert heard((0.0, 60.0), speed=speed).finished
    assert heard((0.0, 60.0 - speed), speed=speed).finished
    assert not heard((0.0, 60.0 - 3.0 * speed), speed=speed).finished
    assert heard((0.0, 75.0), speed=speed).finished  # it rings, and is silent


def test_who_seeks_to_the_end_has_not_heard_it() -> None:
    assert not heard((0.0, 5.0), (58.7, 59.5)).finished
    assert heard((0.0, 5.0), (40.0, 59.0)).finished
    assert not heard((0.0, 59.5), (10.0, 20.0)).finished


def test_a_short_song_is_heard_too() -> None:
    assert heard((0.0, 0.8), duration=0.75).finished
    assert not heard((0.0, 2.0), duration=4.0).finished
    assert not Listening(0.0).finished


def test_pauses_are_not_heard() -> None:
    listening = Listening(0.0)
    looks = ((PLAYING, 0.0, 0.0), (PLAYING, 1.0, 1.0), (PAUSED, 900.0, 1.0), (PLAYING, 901.0, 2.0))
    for state, now, position in looks:
        listening.look(shot(position, 1.0, 2.0, state), now)
    assert listening.seconds == 2.0
    assert listening.finished
