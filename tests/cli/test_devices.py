"""`xylophone devices`: the ports that pyserial lists, told by kind, and what serial:auto does with them."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from serial.tools import list_ports as system

from xylophone.backends.ports import port_of, remember_port

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
    remember_port(port_of(OTHER_MEGA, []))
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
