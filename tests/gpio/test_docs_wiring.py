"""docs/wiring.md and the files for systemd say what the program does."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import pytest

from xylophone.cli.off import off
from xylophone.cli.serve import serve
from xylophone.gpio.realtime import DISPATCHER, WATCHDOG
from xylophone.instrument import KINDS
from xylophone.wiring import HONEST_PINS, Wiring

HEADER = {
    **{2: 3, 3: 5, 8: 24, 9: 21, 10: 19, 11: 23, 12: 32, 13: 33, 16: 36, 17: 11, 18: 12, 19: 35, 20: 38},
    **{21: 40, 22: 15, 23: 16, 24: 18, 25: 22, 26: 37, 27: 13},
}
"""Pin of the 40-pin header by GPIO, the same on every Pi that has it."""


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs" / "wiring.md").read_text(encoding="utf-8")


def cells(page: str, begin: str) -> list[str]:
    """Return the cells of the one row of a table that begins so."""
    (row,) = [line for line in page.splitlines() if line.startswith(f"| {begin} |")]
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_pins_by_channel_are_the_program_s_and_the_header_s(page: str) -> None:
    table = page.split("## Pins")[1].split("## What switches")[0]
    gpios: list[int] = []
    for first, last, pins, header in re.findall(r"\| (\d+)\.\.(\d+) \| ([\d, ]+) \| ([\d, ]+) \|", table):
        numbers = [int(pin) for pin in pins.split(", ")]
        assert (int(first), int(last)) == (len(gpios), len(gpios) + len(numbers) - 1)
        assert [int(pin) for pin in header.split(", ")] == [HEADER[pin] for pin in numbers]
        gpios += numbers
    assert tuple(gpios) == HONEST_PINS == Wiring().pins


def test_lines_and_buses_are_on_their_pins(page: str) -> None:
    for text in re.findall(r"GPIO\d+[^|]*\| \d+ \|", page):
        gpio, header = re.findall(r"\d+", text)[0], re.findall(r"\| (\d+) \|", text)[0]
        assert int(header) == HEADER[int(gpio)], text
    wiring = Wiring()
    assert f"GPIO{wiring.output_enable_pin}" in cells(page, "/OE (13), all chips")[1]
    assert f"GPIO{wiring.reset_pin}" in cells(page, "/RESET (18), both chips")[1]
    assert [hex(address) for address in wiring.i2c_addresses] == re.findall(
        r"\((0x\d+)\)", cells(page, "A0, A1, A2 (15, 16, 17)")[1]
    )


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_supplies_are_sized_by_the_instrument_s_limits(page: str, kind) -> None:
    row = cells(page.split("### The supply")[1].split("### A fuse")[0], f"`{kind.name}`")
    assert row[1:3] == [f"{kind.voltage:g} V", f"{kind.current:g} A"]
    assert row[3] == f"{kind.supply_limit:g} A, {kind.supply_limit * kind.voltage:.0f} W"
    volts, amperes = re.findall(r"[\d.]+", row[4])
    assert float(volts) == kind.voltage
    assert 1.2 * kind.supply_limit <= float(amperes) <= 1.3 * kind.supply_limit
    assert kind.supply_limit < float(re.findall(r"[\d.]+", row[5])[0]) <= 1.35 * kind.supply_limit


COMMANDS = {"ExecStart": serve, "ExecStopPost": off}


def test_the_unit_plays_and_may_what_the_dispatcher_asks_for(root: Path) -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    folder = root / "docs" / "systemd"
    unit.read_string((folder / "xylophone.service").read_text())
    board = dict(unit["Service"])
    unit.read_string((folder / "gpio.conf").read_text())
    service = unit["Service"]
    assert int(service["LimitRTPRIO"]) >= max(DISPATCHER, WATCHDOG)
    lines = [(lines[key], command) for lines in (board, service) for key, command in COMMANDS.items()]
    for line, command in lines:
        _, name, *options = line.split()
        assert name == command.name
        known = {flag for option in command.params for flag in option.opts}
        assert {option for option in options if option.startswith("--")} <= known
    limits = (root / "docs" / "systemd" / "xylophone.conf").read_text()
    assert int(re.findall(r"rtprio (\d+)", limits)[0]) >= max(DISPATCHER, WATCHDOG)


def test_every_row_of_the_table_of_deaths_is_held_by_a_test_or_by_hardware(page: str, root: Path) -> None:
    table = page.split("## What switches the coils off")[1].split("### When all")[0]
    held = [line.rsplit("|", 2)[1].strip() for line in table.splitlines() if line.count("|") == 7][2:]
    sources = "".join(path.read_text() for path in (root / "tests" / "gpio").glob("test_*.py"))
    known = set(re.findall(r"def (test_\w+)\(", sources))
    assert len(held) > 15
    for cell in held:
        names = re.findall(r"`(test_\w+)`", cell)
        assert cell == "hardware" or (cell.startswith("software: ") and names), cell
        assert set(names) <= known, set(names) - known
