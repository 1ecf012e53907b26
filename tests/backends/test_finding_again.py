"""A board whose cable was out: where it is found again, and what is never opened in its place."""

from __future__ import annotations

import os
import pty
from contextlib import ExitStack
from dataclasses import replace

import pytest

from backends.rights import held
from xylophone.backends.ports import Port, find_again
from xylophone.backends.serial_line import Plug
from xylophone.errors import BackendAbsent, BackendMissing

MEGA = Port("/dev/ttyACM0", "Arduino Mega 2560", "75330303035351A0B1C2", 0x2341, 0x0042, candidate=True)
SOCKET, ELSEWHERE = "pci-0000:00:14.0-usb-0:2:1.0-port0", "pci-0000:00:14.0-usb-0:3:1.0-port0"
CLONE = Port("/dev/ttyUSB0", "USB Serial", None, 0x1A86, 0x7523, link=SOCKET, alone=True)
PRINTER = replace(CLONE, device="/dev/ttyUSB1", link=ELSEWHERE, alone=False)
FTDI = Port("/dev/ttyUSB7", "FT232R", "A50285BI", 0x0403, 0x6001)
CP2102 = replace(CLONE, serial_number="0001", vid=0x10C4, pid=0xEA60)


def found(port: Port, *there: Port) -> Port | None:
    """Return where a board is found among the ports that are there."""
    return find_again(port, lambda: there)


@pytest.mark.parametrize("device", ["/dev/ttyACM0", "/dev/serial/by-id/usb-Arduino-if00"])
def test_a_board_with_a_serial_number_is_found_wherever_it_is(device):
    moved = replace(MEGA, device="/dev/ttyACM3", link=ELSEWHERE)
    assert found(replace(MEGA, device=device), FTDI, CLONE, moved) == moved
    assert found(MEGA, FTDI, replace(MEGA, serial_number="AAAAAAAAAAAA")) is None


@pytest.mark.parametrize("board", [CLONE, CP2102, replace(CLONE, vid=0x0403, pid=0x6001)])
@pytest.mark.parametrize("device", ["/dev/ttyUSB0", f"/dev/serial/by-path/{SOCKET}", "/dev/xylophone"])
@pytest.mark.parametrize("alone", [True, False])
def test_a_clone_is_found_in_its_socket_whatever_its_number_and_name(board, device, alone):
    back, other = replace(board, device="/dev/ttyUSB3"), replace(board, device="/dev/ttyUSB0", link=ELSEWHERE)
    named = replace(board, device=device, alone=alone)
    assert found(named, FTDI, other, back) == back


def test_a_clone_in_another_socket_is_found_only_where_it_cannot_be_something_else():
    moved = replace(CLONE, device="/dev/ttyUSB1", link=ELSEWHERE)
    assert found(CLONE, FTDI, MEGA, moved) == moved
    assert found(replace(CLONE, alone=False), moved) is None  # that one was there beside it
    assert found(CLONE, moved, replace(PRINTER, device="/dev/ttyUSB2", link="third")) is None
    assert found(CLONE, FTDI, MEGA) is None
    assert found(CLONE) is None


def test_where_the_system_names_no_sockets_the_name_counts():
    clone = replace(CLONE, link=None, alone=False)
    other = replace(clone, device="/dev/ttyUSB1")
    assert found(clone, other, clone) == clone
    assert found(clone, other) is None
    assert found(clone, replace(FTDI, device="/dev/ttyUSB0")) is None


def test_a_board_on_the_network_is_where_it_was():
    far = Port("rfc2217://hall.local:2217", "on the network")
    assert found(far, MEGA) == far


class Cables:
    """Pseudo-terminals that come and go as ports."""

    def __init__(self, open_ones: ExitStack) -> None:
        self._open_ones = open_ones
        self.there: list[Port] = []

    def plug(self, like: Port) -> Port:
        """Have a port appear under a new name; returns it."""
        ours, theirs = pty.openpty()
        for descriptor in (ours, theirs):
            self._open_ones.callback(os.close, descriptor)
        self.there.append(replace(like, device=os.ttyname(theirs)))
        return self.there[-1]


@pytest.fixture
def cables():
    with ExitStack() as open_ones:
        yield Cables(open_ones)


def test_one_named_by_its_link_is_opened_again_after_every_unplug(cables, tmp_path):
    link = tmp_path / SOCKET
    first = cables.plug(CLONE)
    link.symlink_to(first.device)
    plug = Plug(replace(first, device=str(link)), lambda: cables.there)
    plug().close()
    for _ in range(3):
        cables.there.clear()
        link.unlink()
        with pytest.raises(BackendAbsent, match="is not there: plug the board in again"):
            plug()
        cables.plug(replace(CLONE, link=ELSEWHERE, alone=False, device="the printer"))
        back = cables.plug(CLONE)
        link.symlink_to(back.device)
        plug().close()
        assert plug.port == back


def test_a_port_that_another_program_holds_is_left_alone_until_it_lets_go(cables):
    plug = Plug(cables.plug(CLONE), lambda: cables.there)
    plug().close()
    cables.there.clear()
    moved = cables.plug(replace(CLONE, link=ELSEWHERE))
    with held(moved.device), pytest.raises(BackendMissing, match="holds this port: close it"):
        plug()
    plug().close()
    assert plug.port == moved
