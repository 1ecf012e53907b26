"""`xylophone devices`: the ports that pyserial lists, told by kind, and what serial:auto does with them."""

from __future__ import annotations

import os
import pty
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from serial.tools import list_ports as system

from backends.rights import held, somebody_else
from xylophone.backends.ports import Port, port_of, remember_port
from xylophone.cli.devices import choice

MEGA = SimpleNamespace(
    device="/dev/ttyACM0", description="Mega 2560", serial_number="7533030303", vid=0x2341, pid=0x42
)
OTHER_MEGA = SimpleNamespace(
    device="/dev/ttyACM1", description="Mega 2560", serial_number="9533030304", vid=0x2341, pid=0x42
)
CLONE = SimpleNamespace(
    device="/dev/ttyUSB0", description="USB Serial", serial_number=None, vid=0x1A86, pid=0x7523
)

Run = Callable[..., Any]


@pytest.fixture
def plugged(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Plug in: from now on the system lists these ports."""
    return lambda *entries: monkeypatch.setattr(system, "comports", lambda: list(entries))


def test_the_only_mega_is_listed_first_and_chosen(xylophone: Run, plugged: Callable[..., None]) -> None:
    plugged(CLONE, MEGA)
    ran = xylophone("devices")
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["port", "/dev/ttyACM0", "/dev/ttyUSB0"]
    assert lines[1].rstrip().endswith("2341:0042  7533030303     an Arduino Mega")
    assert lines[2].rstrip().endswith("maybe a board")
    assert lines[-1] == "serial:auto opens /dev/ttyACM0: it is the only Arduino Mega here"


def test_a_known_board_is_preferred_and_the_reason_told(xylophone: Run, plugged: Callable[..., None]) -> None:
    plugged(MEGA, OTHER_MEGA)
    remember_port(port_of(OTHER_MEGA))
    report = xylophone("devices", "--json").json
    assert report["auto"] == "/dev/ttyACM1"
    assert report["why"] == "serial:auto opens /dev/ttyACM1: this board has answered before"
    assert [(port["device"], port["known"]) for port in report["ports"]] == [
        ("/dev/ttyACM1", True),
        ("/dev/ttyACM0", False),
    ]


def test_of_several_none_is_chosen_and_the_way_out_named(
    xylophone: Run, plugged: Callable[..., None]
) -> None:
    plugged(MEGA, OTHER_MEGA)
    ran = xylophone("devices")
    assert ran.code == 0
    assert "there are 2 boards" in ran.out
    assert "--backend serial:///dev/ttyACM0" in ran.out
    assert xylophone("devices", "--json").json["auto"] is None


def test_without_a_port_the_cable_is_named(xylophone: Run, plugged: Callable[..., None]) -> None:
    plugged()
    ran = xylophone("devices")
    assert ran.code == 0
    assert ran.out.startswith("serial:auto: no board is there: check the USB cable")
    assert xylophone("devices", "--json").json["ports"] == []


@pytest.fixture
def terminal() -> Iterator[Port]:
    """A port that is there, of a Mega by what USB says."""
    ours, theirs = pty.openpty()
    yield Port(os.ttyname(theirs), "Mega 2560", "7533030303", 0x2341, 0x42, candidate=True)
    os.close(ours)
    os.close(theirs)


def test_a_port_that_this_user_may_not_open_is_not_said_to_be_opened(terminal: Port) -> None:
    assert choice([terminal])[0] == terminal
    clone = replace(terminal, serial_number=None, link="pci-usb-2", candidate=False, known=True)
    assert choice([clone])[1].endswith(": a board in its USB socket has answered")
    os.chmod(terminal.device, 0)
    with somebody_else():
        chosen, why = choice([terminal])
    assert chosen is None
    assert why.startswith(f"serial:auto cannot open {terminal.device}: its rights are for others alone: let")


def test_a_port_that_another_program_has_open_is_not_said_to_be_opened(terminal: Port) -> None:
    with held(terminal.device) as process:
        chosen, why = choice([terminal])
    assert chosen is None
    assert f"(process {process}) holds it; close that first" in why
    assert choice([terminal])[0] == terminal
