"""`xylophone devices`: which serial ports there are, and which one serial:auto opens."""

from __future__ import annotations

from collections.abc import Sequence

import click

from ..backends.port_use import holder_of, refusal_to
from ..backends.ports import Port, choose_port, list_ports
from ..errors import BackendMissing
from .printing import say, say_json
from .screen import table

_SHOWN = ("device", "description", "serial_number", "vid", "pid", "known", "candidate", "possible", "link")
"""What --json says of a port."""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def devices(as_json: bool) -> None:
    """List serial ports, and say which one serial:auto opens. None of them is opened here."""
    ports = list_ports()
    chosen, why = choice(ports)
    if as_json:
        auto = None if chosen is None else chosen.device
        report = {
            "ports": [{key: getattr(port, key) for key in _SHOWN} for port in ports],
            "auto": auto,
            "why": why,
        }
        say_json(report, indent=2)
        return
    if ports:
        columns = ("port", "what it says", "usb", "serial number", "what it is")
        table(columns, [_row(port) for port in ports])
        say("")
    say(why)


def choice(ports: Sequence[Port]) -> tuple[Port | None, str]:
    """Return the port that serial:auto opens, None where it opens none, and one line that says why."""
    try:
        port = choose_port(ports)
    except BackendMissing as error:
        return None, str(error)
    if refusal := refusal_to(port.device):
        return None, f"serial:auto cannot open {port.device}: {refusal}"
    if holder := holder_of(port.device):
        return None, f"serial:auto cannot open {port.device}: {holder} holds it; close that first"
    return port, f"serial:auto opens {port.device}: {_reason(port)}"


def _reason(port: Port) -> str:
    if not port.known:
        return "it is the only Arduino Mega here"
    return (
        "this board has answered before"
        if port.has_serial_number
        else "a board in its USB socket has answered"
    )


def _row(port: Port) -> tuple[str, ...]:
    return port.device, port.description, port.usb or "", port.serial_number or "", _kind(port)


def _kind(port: Port) -> str:
    if port.known:
        return "a board that is known"
    if port.candidate:
        return "an Arduino Mega"
    return "maybe a board" if port.possible else "no board"
