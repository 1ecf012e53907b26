"""The relay in the coils' supply, by the pin that drives it: on only while the outputs may be."""

from __future__ import annotations

import os
import socket

import pytest

from gpio.chips import Board, Chain
from gpio.mocked import backend_on
from xylophone.clock import VirtualClock
from xylophone.gpio.children import pair
from xylophone.gpio.datagrams import Datagram
from xylophone.gpio.guards import LineGuard, MasterEnable, NullGuard, PinsGuard, open_guard, take
from xylophone.gpio.outputs import OutputError
from xylophone.gpio.pi import open_line
from xylophone.gpio.shift_register import ShiftRegister
from xylophone.gpio.watchdog import Watchdog
from xylophone.instrument import build_instrument
from xylophone.wiring import Wiring

PIN = 23


class Stuck(NullGuard):
    """A guard that cannot switch off."""

    def cut(self) -> None:
        raise OutputError("GPIO9 cannot be had")


def test_it_follows_the_guard() -> None:
    board = Board()
    guard = MasterEnable(LineGuard(25, True, board), PIN, board)
    assert board.level(PIN) is None
    guard.claim()
    assert board.level(PIN) is False
    guard.allow()
    assert board.level(PIN) is True
    guard.cut()
    assert board.level(PIN) is False
    assert board.level(25) is True


def test_it_goes_off_also_where_the_outputs_cannot_be_switched_off() -> None:
    board = Board()
    guard = MasterEnable(Stuck(), PIN, board)
    with pytest.raises(OutputError):
        guard.claim()
    guard.allow()
    with pytest.raises(OutputError):
        guard.cut()
    assert board.level(PIN) is False


def test_it_opens_while_nothing_is_to_play_and_the_outputs_stay_allowed() -> None:
    board = Board()
    guard = MasterEnable(LineGuard(25, True, board), PIN, board)
    guard.claim()
    guard.allow()
    for resting in (True, False):
        guard.rest(resting)
        assert board.level(PIN) is not resting
        assert board.level(25) is False


def test_it_is_off_during_an_emergency_stop_and_after_the_end() -> None:
    board, clock = Board(), VirtualClock()
    chain = Chain(board, 4)
    guard = MasterEnable(LineGuard(25, True, board), PIN, board)
    with backend_on(ShiftRegister(Wiring(), board), guard, build_instrument(), clock) as backend:
        assert board.level(PIN) is True
        backend.stop()
        assert board.level(PIN) is False
        backend.clear()
        assert board.level(PIN) is True
    assert board.level(PIN) is False
    assert chain.coils() == 0


def test_there_is_none_unless_it_is_wired() -> None:
    assert isinstance(open_guard("null", Wiring(master_enable_pin=PIN), lambda: None), NullGuard)


def test_who_takes_over_switches_the_coils_off_also_where_the_relay_cannot_be_had() -> None:
    board = Board()
    guard = MasterEnable(PinsGuard((9, 10), lambda: None, board), PIN, board)
    with open_line(PIN, board, False), pytest.raises(OutputError, match="GPIO23 cannot be had"):
        take(guard, guard.claim)
    assert board.level(9) is False
    assert board.level(10) is False


def test_the_line_is_taken_also_where_the_relay_cannot_be_had() -> None:
    board = Board()
    guard = MasterEnable(LineGuard(25, True, board), PIN, board)
    with open_line(PIN, board, False), pytest.raises(OutputError, match="GPIO23 cannot be had"):
        take(guard, guard.claim)
    assert board.level(25) is True


class Lasting(NullGuard):
    """A guard that does not end the dispatcher; its host ends once the outputs are allowed."""

    severs = False

    def __init__(self, host: socket.socket, dispatcher: socket.socket) -> None:
        super().__init__()
        self.host, self.dispatcher = host, dispatcher
        self.rested: list[bool] = []

    def allow(self) -> None:
        self.host.close()

    def rest(self, resting: bool) -> None:
        self.rested.append(resting)
        if resting:
            self.dispatcher.close()


def test_it_opens_when_the_host_has_ended_and_not_only_when_the_dispatcher_has() -> None:
    (dispatcher, at_dispatcher), (host, at_host), (wake, at_wake) = pair(), pair(), pair()
    guard = Lasting(at_host, at_dispatcher)
    at_dispatcher.send(Datagram.CLAIM)
    at_dispatcher.send(Datagram.ALLOW)
    with dispatcher, host, wake, at_wake:
        Watchdog(guard, at_dispatcher.close, dispatcher, host, wake, (os.getpid(), os.getpid())).run()
    assert guard.rested == [False, True]
