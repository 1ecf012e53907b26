"""No backend says that its coils are off unless they are: a board that hangs, is gone or not understood.

All of it in virtual time, with the real core of the firmware at the other end of the line.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from backends.serial_world import World, scale
from xylophone.backends.contract import Coils
from xylophone.backends.serial import SerialBackend
from xylophone.link.messages import SILENCE

ORDERS: dict[str, Callable[[SerialBackend], None]] = {
    "silence": SerialBackend.silence,
    "stop": SerialBackend.stop,
    "close": SerialBackend.close,
}

PLAYED = 1.0
"""s into the playing at which trouble begins."""

LATER = (0.0, 0.9, 1.7, 3.1, 12.0)
"""s from the trouble to the order to switch off: before it is noticed, and in the stages of mending."""

MOMENTS = [*(("close", later) for later in LATER), ("silence", 0.9), ("stop", 0.0)]

TROUBLE = [
    *((fault, *moment) for fault in ("hung", "unplugged") for moment in MOMENTS),
    *(("garbled", "close", 0.0), ("garbled", "close", 1.7), ("garbled", "stop", 0.0)),
    *(
        ("answers garbled", "close", 0.9),
        ("answers garbled", "close", 3.1),
        ("answers garbled", "silence", 0.9),
    ),
]
"""Every moment with what leaves nothing known, and with what leaves the board's own limit; noise by turns."""


def hang(world: World) -> None:
    """The board stands still: nothing that it is told arrives, and it says nothing."""
    world.to_board.open = world.to_host.open = False


def garble(world: World) -> None:
    """Every byte is damaged, both ways."""
    world.to_board.noise = world.to_host.noise = 1.0


def garble_answers(world: World) -> None:
    """The board hears all, and nobody understands it."""
    world.to_host.noise = 1.0


FAULTS: dict[str, tuple[Callable[[World], None], Coils]] = {
    "hung": (hang, Coils.UNCONFIRMED),
    "unplugged": (World.unplug, Coils.OFF_BY_LIMIT),
    "garbled": (garble, Coils.UNCONFIRMED),
    "answers garbled": (garble_answers, Coils.UNCONFIRMED),
}


@pytest.mark.parametrize(("fault", "order", "later"), TROUBLE)
def test_what_nobody_confirmed_is_not_said(fault: str, order: str, later: float) -> None:
    trouble, expected = FAULTS[fault]
    world = World()
    backend = world.open()
    backend.schedule(scale(0.1, 800))
    backend.clock.wait_until(PLAYED)
    trouble(world)
    backend.clock.wait_until(PLAYED + later)
    begin = backend.clock.now()
    ORDERS[order](backend)
    assert backend.coils is expected
    assert backend.clock.now() - begin < 1.0
    backend.close()
    assert backend.coils is expected
    world.run(backend.clock.now() + SILENCE + 0.1)
    assert world.board.outputs == 0  # by the board's own limit
    assert not world.board.armed


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("noise", [0.0, 0.01, 0.2])
def test_what_is_confirmed_is_so(order: str, noise: float) -> None:
    world = World()
    backend = world.open()
    backend.schedule(scale(0.1, 800, 0.02))
    backend.clock.wait_until(PLAYED)
    world.to_board.noise = world.to_host.noise = noise
    ORDERS[order](backend)
    said = backend.coils
    assert said is not Coils.OFF_BY_LIMIT
    if said is Coils.OFF:
        assert world.board.outputs == 0
        struck = len(world.board.struck())
        backend.clock.wait_until(backend.clock.now() + 2.0)
        world.run(backend.clock.now())
        assert len(world.board.struck()) == struck
    else:
        assert noise > 0.0
    backend.close()


@pytest.mark.parametrize("hung", [1.0, 2.0, 4.0])
def test_a_board_that_hung_before_it_was_unplugged_is_not_trusted(hung: float) -> None:
    world = World()
    backend = world.open()
    backend.schedule(scale(0.1, 800))
    backend.clock.wait_until(PLAYED)
    hang(world)
    backend.clock.wait_until(PLAYED + hung)
    world.unplug()
    backend.clock.wait_until(PLAYED + 6.0)
    backend.close()
    assert backend.coils is Coils.UNCONFIRMED


def test_a_board_that_came_back_is_asked() -> None:
    world = World()
    backend = world.open()
    backend.schedule(scale(0.1, 800))
    backend.clock.wait_until(PLAYED)
    world.unplug()
    backend.clock.wait_until(PLAYED + 1.0)
    world.plug()
    backend.clock.wait_until(PLAYED + 5.0)
    backend.close()
    assert backend.coils is Coils.OFF
