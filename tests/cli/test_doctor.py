"""`xylophone doctor`: on the simulation, on the virtual board, and when something is wrong."""

from __future__ import annotations

import getpass
import io
import json
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from serial.tools import list_ports as system

import programs
from backends.serial_world import World
from xylophone import __version__
from xylophone.backends import Report
from xylophone.cli.doctor import examine_link
from xylophone.cli.findings import FAILED, OK, WARNING, clock_finding, lateness_finding, link_finding

Run = Callable[..., Any]


def subjects(out: str) -> dict[str, str]:
    """Return the level of every line that tells one."""
    rows = [line.split() for line in out.splitlines()]
    return {row[1]: row[0] for row in rows if row and row[0] in (OK, WARNING, FAILED)}


def test_the_simulation_is_well(xylophone: Run) -> None:
    ran = xylophone("doctor")
    assert (ran.code, ran.err) == (0, "")
    levels = subjects(ran.out)
    assert (levels["folder"], levels["backend"], levels["limits"]) == (OK, OK, OK)
    assert "link" not in levels
    assert ran.out.splitlines()[-1].startswith("all is well")


def test_every_hammer_is_struck_and_named(xylophone: Run, tmp_path: Any) -> None:
    (tmp_path / "xylophone.toml").write_text(
        '[instrument]\npitches = ["C6", "E6", "G6"]\nchannels = [2, 0, 1]\n'
    )
    ran = xylophone("doctor", "--hammers", "--yes", "--backend", "sim:?dead=C6")
    assert ran.code == 0
    named = [line.split()[1:] for line in ran.out.splitlines() if line.split()[0] == "strike"]
    assert named == [["C6", "on", "channel", "2"], ["E6", "on", "channel", "0"], ["G6", "on", "channel", "1"]]
    assert "3 struck: simulated, nobody heard it" in ran.out
    assert "found by xylophone tune auto --backend 'sim:?dead=C6'\n" in ran.out


def test_without_a_yes_nothing_is_struck(xylophone: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    ran = xylophone("doctor", "--hammers")
    assert ran.code == 0
    assert "Strike all 30 hammers of sim: softly" in ran.out
    assert "channel" not in ran.out


def test_a_virtual_board_is_examined(xylophone: Run, virtual_board: str) -> None:
    ran = xylophone("doctor", "--backend", f"serial://{virtual_board}")
    assert (ran.code, ran.err) == (0, "")
    levels = subjects(ran.out)
    assert {levels[name] for name in ("backend", "limits")} == {OK}
    stalled = levels["clock"] == WARNING and "ms, that is vague: end programs that use the CPU" in ran.out
    assert levels["clock"] == OK or stalled  # this machine, while the board was listened to
    assert "virtual board, firmware 1.1, protocol 1, 30 channels" in ran.out
    assert "round trip " in ran.out


def test_without_wires_it_tells_how_punctual_the_machine_is(xylophone: Run) -> None:
    ran = xylophone("doctor", "--backend", "gpio:null")
    levels = subjects(ran.out)
    assert {levels[name] for name in ("backend", "limits", "outputs")} == {OK}
    if ran.code:  # a machine that stalls while it is measured
        assert re.search(r"\d+ of 30 struck; not played: \d+ late", ran.out)
    else:
        assert "30 struck: no wires" in ran.out
        assert re.search(r"coils go on \d+ us late, 99 of 100 within \d+ us", ran.out)


def test_lateness_that_is_heard_is_a_warning() -> None:
    late = {"lateness_median_us": 3.0, "lateness_p99_us": 3100.0, "lateness_max_us": 4000.0}
    assert lateness_finding(Report(notes=late)).level == WARNING
    assert lateness_finding(Report(notes=late | {"lateness_p99_us": 60.0})).level == OK


def test_a_missing_board_is_one_failed_line_and_code_3(xylophone: Run) -> None:
    ran = xylophone("doctor", "--backend", "serial:///dev/no-such-port")
    assert ran.code == 3
    assert subjects(ran.out)["backend"] == FAILED
    assert "there is no such port" in ran.out
    assert ran.err.count("\n") == 1
    assert "1 of " in ran.err


@pytest.fixture
def brltty(tmp_path: Path) -> Iterator[None]:
    """A program of this name runs."""
    program = tmp_path / "brltty"
    program.symlink_to(sys.executable)
    command = [program, "-c", "print(flush=True); input()"]
    with programs.Program(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield
        process.communicate("\n")


@pytest.mark.parametrize("url", ["serial:///dev/no-such-port", "serial:auto"])
def test_a_program_that_takes_ports_is_named_where_one_is_missing(
    xylophone: Run, brltty: None, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setattr(system, "comports", list)
    ran = xylophone("doctor", "--backend", url)
    assert ran.code == 3
    assert "warning  port     brltty runs here: it takes boards with a CH340" in ran.out
    assert "sudo apt remove brltty" in ran.out


def test_a_program_that_takes_ports_is_not_blamed_where_all_is_well(xylophone: Run, brltty: None) -> None:
    assert "brltty" not in xylophone("doctor").out


def test_a_board_that_goes_while_it_is_examined_has_failed() -> None:
    world = World()
    with world.open() as backend:
        world.unplug()
        findings = list(examine_link(backend))
    assert [finding.level for finding in findings if finding.subject == "link"] == [FAILED]
    assert "the board is gone (its port has gone): check its USB cable" in findings[0].words


@pytest.mark.parametrize(
    ("notes", "level", "words"),
    [
        ({"round_trip_ms": 4.0}, OK, "round trip 4.0 ms, nothing damaged"),
        ({"round_trip_ms": 35.0}, WARNING, "is slow"),
        ({"round_trip_ms": 4.0, "board_damaged": 2.0}, WARNING, "2 frames reached the board damaged"),
        ({"round_trip_ms": 4.0, "retransmits": 1.0}, WARNING, "1 frame was sent again"),
    ],
)
def test_a_link_is_judged_by_its_report(notes: dict[str, float], level: str, words: str) -> None:
    finding = link_finding(Report(notes=notes))
    assert finding.level == level
    assert words in finding.words


@pytest.mark.parametrize(
    ("rate", "error", "level"),
    [(4900.0, 0.03, OK), (-9000.0, 0.03, FAILED), (10.0, 0.9, WARNING)],
)
def test_a_clock_is_judged_by_its_rate_and_its_error(rate: float, error: float, level: str) -> None:
    assert clock_finding(Report(notes={"rate_ppm": rate, "clock_error_ms": error})).level == level


def strings(content: Any) -> Iterator[str]:
    """Yield every text in what JSON holds, keys too."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict):
        yield from (text for pair in content.items() for part in pair for text in strings(part))
    elif isinstance(content, list):
        yield from (text for part in content for text in strings(part))


WORD = re.compile(r"[A-Za-z0-9_.:+ -]{1,40}")
"""What a text of the report may be: no path, no address, no sentence."""

SECRETS = ("maria", "hallway", "secret-name")


@pytest.mark.parametrize("kind", ["sim:", "gpio:null?trace=secret-name", "serial:"])
def test_a_report_has_figures_and_nothing_of_whose_it_is(
    xylophone: Run, virtual_board: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    home = tmp_path / "maria"
    home.mkdir()
    for name, value in {"HOME": home, "USER": "maria", "LOGNAME": "maria", "HOSTNAME": "hallway"}.items():
        monkeypatch.setenv(name, str(value))
    config = home / "secret-name.toml"
    config.write_text('[instrument]\npitches = ["C6", "E6", "G6"]\nchannels = [2, 0, 1]\n')
    port = tmp_path / "serial-secret-name-75330303035351F0E1A2"
    port.symlink_to(virtual_board)
    url = f"serial://{port}" if kind == "serial:" else kind
    sent = home / "report.json"
    ran = xylophone("doctor", "--config", config, "--backend", url, "--report", sent)
    assert f"wrote {sent}: versions and figures, no names, paths or serial numbers\n" in ran.out
    text = sent.read_text()
    content = json.loads(text)
    private = (
        *SECRETS,
        str(tmp_path),
        virtual_board,
        getpass.getuser(),
        socket.gethostname(),
        "75330303035351",
    )
    assert not [word for word in private if word.lower() in text.lower()]
    assert all(WORD.fullmatch(found) for found in strings(content))
    assert content["machine"]["xylophone"] == __version__
    assert content["instrument"]["channels"] == [2, 0, 1]
    assert content["instrument"]["layout"] == "own"
    assert ["ok", "backend"] in content["findings"]
    assert content["backend"]["coils"] == "OFF"
    if kind == "serial:":
        assert content["backend"]["board"]["kind"] == "HOST"
        assert content["backend"]["notes"]["round_trip_ms"] > 0


def test_a_report_is_written_of_a_board_that_is_not_there(xylophone: Run, tmp_path: Path) -> None:
    sent = tmp_path / "report.json"
    ran = xylophone("doctor", "--backend", "serial:///dev/no-such-port", "--report", sent)
    content = json.loads(sent.read_text())
    assert (ran.code, content["backend"], content["url"]) == (3, None, "serial:")
    assert ["FAILED", "backend"] in content["findings"]
    assert "no-such-port" not in sent.read_text()


def test_a_report_that_cannot_be_written_is_told_before_anything_is_struck(xylophone: Run) -> None:
    ran = xylophone("doctor", "--report", "nowhere/report.json")
    assert (ran.code, ran.out) == (1, "")
    assert "cannot write nowhere/report.json: its folder does not exist" in ran.err
