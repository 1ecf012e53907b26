"""`xylophone doctor`: on the simulation, on the virtual board, and when something is wrong."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import pytest

from xylophone.backends import Report
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
    ran = xylophone("doctor", "--hammers", "--yes")
    assert ran.code == 0
    named = [line.split()[1:] for line in ran.out.splitlines() if line.split()[0] == "strike"]
    assert named == [["C6", "on", "channel", "2"], ["E6", "on", "channel", "0"], ["G6", "on", "channel", "1"]]
    assert "3 struck" in ran.out


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
    assert {levels[name] for name in ("backend", "limits", "clock")} == {OK}
    assert "virtual board, firmware 1.0, protocol 1, 30 channels" in ran.out
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
