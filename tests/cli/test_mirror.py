"""What an owner's lines make of the screen: the place in the music, and bars that light up at their time."""

from __future__ import annotations

from typing import Any

import pytest

from xylophone.cli.mirror import Mirror
from xylophone.player import PlayerState

STATE: dict[str, Any] = {
    "state": "playing", "at": 100.0, "position": 12.0, "speed": 2.0, "volume": 60, "measure": 4, "beat": 2.5,
    "tempo_bpm": 156.0, "transpose": 0, "song": {"entry": 7, "title": "Sakura", "duration": 20.0},
}  # fmt: skip


@pytest.fixture
def mirror() -> Mirror:
    mirror = Mirror(3)
    mirror.see(STATE)
    return mirror


def lit(mirror: Mirror, now: float) -> list[int]:
    return [place for place, style in enumerate(mirror.shades(now)) if style]


@pytest.mark.parametrize(
    ("state", "now", "position"),
    [("playing", 101.5, 15.0), ("playing", 99.0, 12.0), ("playing", 200.0, 20.0), ("paused", 101.5, 12.0)],
)
def test_the_music_goes_on_by_its_speed_and_not_past_its_end(
    mirror: Mirror, state: str, now: float, position: float
) -> None:
    mirror.see({**STATE, "state": state})
    assert mirror.snapshot(now).position == position


def test_the_screen_has_what_the_owner_says(mirror: Mirror) -> None:
    shot = mirror.snapshot(100.0)
    assert (shot.state, shot.piece, shot.title, shot.duration) == (PlayerState.PLAYING, 7, "Sakura", 20.0)
    assert (shot.measure, shot.beat, shot.tempo_bpm, shot.volume) == (4, 2.5, 156.0, 0.6)


def test_what_was_said_earlier_changes_nothing(mirror: Mirror) -> None:
    """An answer and an event may come the other way round."""
    assert not mirror.see({**STATE, "at": 99.0, "state": "idle", "song": None})
    assert mirror.playing is PlayerState.PLAYING
    assert mirror.see({"state": "failed", "song": None})
    assert mirror.playing is PlayerState.FAILED
    assert mirror.snapshot(101.0).title == ""
    assert mirror.see({"state": "opening", "song": None})
    assert mirror.playing is PlayerState.IDLE


def test_bars_light_at_their_contact(mirror: Mirror) -> None:
    mirror.hear({"event": "ahead", "strikes": [[10.0, 1, -9.0, 9.98], [10.2, 2, -9.0, 10.18]]})
    mirror.hear({"event": "ahead", "strikes": [[10.3, 1, -9.0, 10.28]]})
    assert [lit(mirror, now) for now in (9.99, 10.0, 10.2, 10.4, 10.7)] == [[], [1], [1, 2], [1, 2], []]


def test_what_is_taken_back_lights_nothing(mirror: Mirror) -> None:
    """Those whose coil is on already still strike."""
    strikes = [[10.0, 0, -9.0, 9.9], [10.0, 1, -9.0, 9.95], [10.0, 2, -9.0, 9.97]]
    mirror.hear({"event": "ahead", "strikes": strikes})
    mirror.hear({"event": "back", "from": 9.95})
    assert lit(mirror, 10.0) == [0]
