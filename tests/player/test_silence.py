"""A volume of 0 in play: nothing is struck, the music goes on, and is there again where it has come to."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, strategies as st

from counts import examples
from player.pieces import Stage, piece
from xylophone.config.values import VOLUMES
from xylophone.player import PlayerState

BEAT = [0.25 * n for n in range(24)]
LATER = 0.3
"""s behind a command by which it has taken effect."""


def test_what_sounds_again_after_silence_is_what_would_have_sounded() -> None:
    always, silenced = Stage(), Stage()
    for stage in (always, silenced):
        stage.player.play(piece(BEAT))
    silenced.clock.at(1.2, lambda: silenced.player.set_volume(0.0))
    silenced.clock.at(3.7, lambda: silenced.player.set_volume(1.0))
    whole, rest = always.hits(), silenced.hits()
    channels = rest["channel"].tolist()
    missing = sorted(set(range(24)) - set(channels))
    assert missing == list(range(missing[0], missing[-1] + 1))
    assert 8 <= len(missing) <= 10
    assert rest["time"] == pytest.approx(whole["time"][channels], abs=1e-3)
    assert silenced.clock.now() == pytest.approx(always.clock.now(), abs=0.05)
    assert not silenced.player.refusals


def test_a_piece_that_begins_silently_takes_its_time_and_ends() -> None:
    stage = Stage()
    stage.player.play(piece(BEAT), volume=0.0)
    assert len(stage.hits()) == 0
    assert stage.player.state is PlayerState.IDLE
    assert stage.clock.now() > BEAT[-1]


@pytest.mark.parametrize(("volume", "sounds"), [(0.0, False), (0.6, True)])
def test_a_volume_set_in_a_pause_holds_for_what_the_pause_took_back(volume: float, sounds: bool) -> None:
    stage = Stage()
    player = stage.player
    player.play(piece(BEAT))
    stage.clock.at(1.2, player.pause)
    stage.clock.at(1.5, lambda: player.set_volume(0.0))
    stage.clock.at(1.8, lambda: player.set_volume(volume))
    stage.clock.at(2.0, player.resume)
    channels = stage.hits()["channel"].tolist()
    assert channels == (list(range(24)) if sounds else list(range(len(channels))))
    assert sounds or len(channels) <= 6


def test_louder_in_silence_is_the_softest_and_softer_is_silence_still() -> None:
    stage = Stage()
    player = stage.player
    found = []
    player.play(piece(BEAT), volume=0.0)
    for moment, factor in ((0.5, 0.5), (1.0, 1.12), (1.5, 0.5)):
        stage.clock.at(moment, lambda factor=factor: player.scale_volume(factor))
        stage.clock.at(moment + 0.2, lambda: found.append(player.volume))
    stage.hits()
    assert found == [0.0, VOLUMES[0], VOLUMES[0]]


@examples(10)
@given(st.integers(0, 10**6))
def test_however_often_it_is_silenced_no_bar_is_struck_twice_or_at_another_time(seed: int) -> None:
    rng = np.random.default_rng(seed)
    always, stage = Stage(), Stage()
    for each in (always, stage):
        each.player.play(piece(BEAT))
    silent = []
    for moment in np.cumsum(rng.uniform(0.1, 1.5, 6)).tolist():
        volume = float(rng.choice([0.0, 1.0]))
        silent.append((moment, volume))
        stage.clock.at(moment, lambda volume=volume: stage.player.set_volume(volume))
    whole, found = always.hits(), stage.hits()
    channels = found["channel"].tolist()
    assert channels == sorted(set(channels))
    assert found["time"] == pytest.approx(whole["time"][channels], abs=1e-3)
    marks = [(0.0, 1.0), *silent, (np.inf, 1.0)]
    for (begin, volume), (end, _) in pairwise(marks):
        times = whole["time"]
        inside = np.flatnonzero((times > begin + LATER) & (times < end - 0.02))
        assert set(inside.tolist()) <= set(channels) if volume else not set(inside.tolist()) & set(channels)
