"""What an owner is asked for while what was asked for before is still being made ready."""

from __future__ import annotations

from pathlib import Path

import pytest

from owner.held import BEATS, Held, song
from xylophone.errors import PlayerError


@pytest.fixture
def held(tmp_path: Path) -> Held:
    return Held(tmp_path)


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
