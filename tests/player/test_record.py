"""A playing that was paused and changed can still be set beside what was heard; memory stays bounded."""

from __future__ import annotations

import numpy as np
import pytest

from player.pieces import Stage, piece
from xylophone.errors import PlayerError
from xylophone.player import Player
from xylophone.tables import HIT

BEAT = [0.25 * n for n in range(16)]


def test_a_performance_after_pauses_and_changes_has_every_strike_once() -> None:
    stage = Stage()
    stage.player.play(piece(BEAT))
    stage.clock.at(1.0, lambda: stage.player.set_speed(1.5))
    stage.clock.at(1.5, stage.player.pause)
    stage.clock.at(4.0, stage.player.resume)
    hits = stage.hits()
    performance = stage.player.performance(hits, "a piece")
    assert (len(performance), performance.missed, performance.doubled, performance.extra) == (16, (), (), ())
    assert np.abs(performance.timing_error).max() < 0.001
    assert performance.planned[0] == pytest.approx(0.0)


def test_what_was_seeked_over_is_not_missed() -> None:
    stage = Stage()
    stage.player.play(piece(BEAT))
    stage.clock.at(0.8, lambda: stage.player.seek(3.0))
    performance = stage.player.performance(stage.hits())
    assert not performance.missed
    assert len(performance) == 7


def test_an_endless_loop_keeps_the_newest_strikes_only() -> None:
    stage = Stage()
    player = Player(stage.backend, remember=20).play(piece(BEAT), repeat=True)
    stage.clock.at(40.0, player.stop)
    player.wait()
    stage.backend.close()
    hits = stage.backend.outcome().hits
    performance = player.performance(hits[~hits["double"]])
    assert 8 <= len(performance) <= 20
    assert performance.planned[0] > 30


def test_before_anything_was_played_there_is_no_performance() -> None:
    with pytest.raises(PlayerError, match="play something first"):
        Stage().player.performance(np.zeros(0, HIT))


def test_a_long_sleep_in_an_endless_loop_costs_one_pass_at_most() -> None:
    stage = Stage()
    stage.player.play(piece(BEAT), repeat=True)
    stage.clock.at(1.0, lambda: stage.clock.wait_until(36_000.0))
    stage.clock.at(36_004.0, stage.player.stop)
    hits = stage.hits()
    assert stage.player.refusals["late"] <= 16
    assert sum(hits["time"] > 36_000) > 10


def test_another_waiter_is_refused() -> None:
    stage = Stage()
    stage.player.play(piece(BEAT))
    refused: list[str] = []

    def again() -> None:
        with pytest.raises(PlayerError) as error:
            stage.player.wait()
        refused.append(str(error.value))

    stage.clock.at(1.0, again)
    assert len(stage.hits()) == 16
    assert "one thread runs it" in refused[0]
