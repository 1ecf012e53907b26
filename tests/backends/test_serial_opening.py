"""Boards that cannot be used: each is one line with the remedy, in bounded time, and lets go of the port."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from backends.serial_world import BEFORE, INSTRUMENT, World
from xylophone.backends.serial import SerialBackend
from xylophone.errors import BackendError, BackendMissing
from xylophone.instrument import build_instrument
from xylophone.link.messages import PROTOCOL, Boot, Commit, HelloReply, Message


def changing(**fields: int) -> Callable[[Message], Message]:
    """Return what changes fields of a board's introduction."""
    return lambda message: replace(message, **fields) if isinstance(message, HelloReply) else message


@pytest.mark.parametrize(
    ("fields", "parts"),
    [
        ({"protocol": PROTOCOL - 1}, ["older firmware", "xylophone firmware flash"]),
        ({"protocol": PROTOCOL + 1}, ["newer firmware", "install a newer xylophone"]),
        ({"channels": 16}, ["hammer C7 is on channel 29", "channels 0..15"]),
        ({"tick_rate": 1_000_000}, ["1000000 ticks a second", "xylophone firmware flash"]),
    ],
)
def test_a_board_that_does_not_fit(fields, parts):
    world = World()
    world.to_host.alter = changing(**fields)
    with pytest.raises(BackendError) as caught:
        world.open()
    for part in parts:
        assert part in str(caught.value)
    assert "\n" not in str(caught.value)
    assert world.clock.now() < 2.0 - BEFORE
    assert world.wires[-1].cut


def test_an_instrument_with_more_hammers_than_the_board_has_channels():
    world = World()
    with pytest.raises(BackendError, match=r"is on channel 31, the board has channels 0\.\.29"):
        world.open(build_instrument("glockenspiel-32"))


def test_a_checksum_of_the_limits_that_does_not_agree():
    world = World()
    world.to_board.alter = lambda message: (
        replace(message, crc=message.crc ^ 1) if isinstance(message, Commit) else message
    )
    with pytest.raises(BackendError, match=r"does not take the limits of these hammers: .*firmware flash"):
        world.open()


def test_a_port_with_nothing_behind_it():
    world = World()
    world.to_host.open = False
    with pytest.raises(BackendMissing, match="no xylophone's board answers at 250000 baud, nothing is heard"):
        world.open()
    assert 3.0 < world.clock.now() + BEFORE < 6.0
    assert world.wires[-1].cut


def test_another_device_that_talks():
    world = World()
    world.to_host.carry = lambda content: b"ok T:21.4 /0.0 B:20.9\n"
    with pytest.raises(BackendMissing, match="says something else: is it another device") as caught:
        world.open()
    assert caught.value.exit_code == 3


def test_a_port_that_is_not_there():
    world = World()
    world.plugged = False
    with pytest.raises(BackendMissing, match="no such port"):
        world.open()


def test_a_port_that_breaks_off_while_it_is_opened():
    world = World()
    world.clock.at(0.3 - BEFORE, world.unplug)
    with pytest.raises(BackendMissing, match=r"the port broke off while it was opened \(its port has gone\)"):
        world.open()
    assert world.clock.now() < 1.0 - BEFORE


def test_a_board_that_does_not_reset_when_its_port_is_opened_is_greeted_all_the_same():
    world = World()
    world.to_host.alter = lambda message: None if isinstance(message, Boot) else message
    with SerialBackend(INSTRUMENT, world.connect, world.clock):
        assert 3.0 < world.clock.now() + BEFORE < 4.5


def test_a_board_that_resets_once_more_while_it_is_opened():
    world = World()
    world.clock.at(1.2 - BEFORE, world.reset)
    with world.open() as backend:
        assert backend.poll() == ()
        assert backend.report().notes["resets"] == 1


def test_opening_leaves_the_board_configured_for_the_instrument_and_armed():
    world = World()
    with world.open(INSTRUMENT) as backend:
        assert world.board.armed
        assert (backend.identity.channels, backend.identity.protocol) == (30, PROTOCOL)
    world.run(1.0)
    assert world.board.outputs == 0
