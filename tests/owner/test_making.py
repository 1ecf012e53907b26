"""Songs made ready for an owner: what cannot be made, what nobody takes, what is asked for anew."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpio.playing import wait_for
from owner.held import song
from player.pieces import INSTRUMENT
from xylophone.arranger import Weights
from xylophone.clock import SystemClock
from xylophone.collection.prepared import LeftOut, Prepared
from xylophone.owner.making import MOST_READY, Maker, Recipe
from xylophone.owner.queue import Entry

RECIPE = Recipe(INSTRUMENT, Weights())


@pytest.fixture
def working() -> Iterator[Maker]:
    """A maker with a worker process."""
    maker = Maker(RECIPE, SystemClock())
    yield maker
    maker.close()


def test_a_name_that_no_file_has_leaves_its_song_out_and_the_worker_goes_on(
    working: Maker, tmp_path: Path
) -> None:
    wrong, right = Entry(1, {"path": "/\ud800.mid"}, ""), Entry(2, song(tmp_path, "a"), "")
    assert wait_for(lambda: working.wanted(wrong) is not None)
    assert isinstance(made := working.wanted(wrong), LeftOut)
    assert "cannot be made ready" in made.words[0]
    assert wait_for(lambda: isinstance(working.wanted(right), Prepared))


def test_a_pipe_that_nobody_fills_keeps_no_other_song_waiting(working: Maker, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mid")
    pipe, right = Entry(1, {"path": str(tmp_path / "pipe.mid")}, ""), Entry(2, song(tmp_path, "a"), "")
    assert wait_for(lambda: working.wanted(pipe) is not None)
    assert isinstance(made := working.wanted(pipe), LeftOut)
    assert "it is a pipe or a device" in made.words[0]
    assert wait_for(lambda: isinstance(working.wanted(right), Prepared))


def test_what_is_asked_for_in_another_way_while_it_is_made_is_made_anew(
    working: Maker, tmp_path: Path
) -> None:
    given = song(tmp_path, "a")
    entry = Entry(1, {**given, "transpose": 1}, "")
    assert working.wanted(entry) is None
    entry.song = {**given, "transpose": 2}
    assert wait_for(lambda: working.wanted(entry) is not None)
    assert isinstance(made := working.wanted(entry), Prepared)
    assert made.piece.transpose == 2


def test_what_nobody_takes_is_not_kept_for_ever(tmp_path: Path) -> None:
    maker, given = Maker(RECIPE, None), song(tmp_path, "a")
    entries = [Entry(number, given, "") for number in range(3 * MOST_READY)]
    for entry in entries:
        assert isinstance(maker.wanted(entry), Prepared)
    assert [maker.has(entry) for entry in entries].count(True) == MOST_READY
    assert maker.has(entries[-1])
