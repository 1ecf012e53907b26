"""A backend of a maker's own: as small as CONTRIBUTING says, and it plays. test_contract.py holds it too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from backends import toy
from player.pieces import piece
from simulation.striking import pulses
from xylophone.backends import open_backend
from xylophone.backends.contract import Coils
from xylophone.clock import VirtualClock
from xylophone.errors import BackendError, BackendMissing
from xylophone.instrument import build_instrument
from xylophone.player import Player

INSTRUMENT = build_instrument()
WIDTH = 0.013
LINES = 80
"""That a new backend takes, with all that is around it."""


@pytest.fixture
def backend() -> Iterator[toy.ToyBackend]:
    with toy.toys(), open_backend("toy:", INSTRUMENT, VirtualClock()) as opened:
        assert isinstance(opened, toy.ToyBackend)
        yield opened


def test_a_new_backend_is_small() -> None:
    assert len(Path(toy.__file__).read_text().splitlines()) <= LINES


def test_a_piece_is_played_on_it(backend: toy.ToyBackend) -> None:
    player = Player(backend)
    player.play(piece([0.0, 0.5, 1.0, 1.5])).wait()
    starts = [start for start, _, _ in backend.board.struck]
    assert [channel for _, _, channel in backend.board.struck] == [0, 1, 2, 3]
    assert [1e-6 * (start - starts[0]) for start in starts] == pytest.approx([0.0, 0.5, 1.0, 1.5], abs=0.005)
    assert (backend.report().pulses, backend.coils) == (4, Coils.OFF)


def test_what_was_taken_back_is_not_struck(backend: toy.ToyBackend) -> None:
    backend.schedule(pulses((0.1, WIDTH, 0), (0.2, WIDTH, 1), (0.3, WIDTH, 2)))
    backend.clock.wait_until(0.105)
    assert backend.cancel(0.2) == 2
    backend.clock.wait_until(1.0)
    assert backend.board.struck == [(100_000, 13_000, 0)]


@pytest.mark.parametrize("trouble", ["hangs", "unplugged"])
def test_coils_are_not_said_to_be_off_where_nobody_answers(backend: toy.ToyBackend, trouble: str) -> None:
    backend.schedule(pulses((0.1, WIDTH, 0)))
    backend.clock.wait_until(0.105)
    backend.board.hangs, backend.board.plugged = trouble == "hangs", trouble == "hangs"
    backend.silence()
    assert backend.board.coils
    assert backend.coils is Coils.UNCONFIRMED


def test_a_board_that_is_gone_ends_the_playing_with_one_line(backend: toy.ToyBackend) -> None:
    backend.board.plugged = False
    backend.schedule(pulses((0.1, WIDTH, 0), (0.2, WIDTH, 1)))
    with pytest.raises(BackendError, match=r"does not answer .no such device.: check its cable"):
        backend.schedule(pulses((0.3, WIDTH, 0)))
    assert [fault.fatal for fault in backend.poll()] == [True]


def test_its_scheme_is_known_while_it_is_in_the_table() -> None:
    with toy.toys(), pytest.raises(BackendMissing, match="give toy:"):
        open_backend("toy:other", INSTRUMENT, VirtualClock())
    with pytest.raises(BackendMissing, match="unknown backend 'toy:'"):
        open_backend("toy:", INSTRUMENT, VirtualClock())
