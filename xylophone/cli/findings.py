"""What `xylophone doctor` finds: the machine, a link, a clock and how punctual strikes are; a line each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec

from ..backends.contract import Report
from ..backends.port_use import meddlers
from ..errors import XylophoneError, install
from ..gpio.coil_limits import FASTER, SLOW_WRITE
from ..running.playing import folder
from .incidents import line_words

SLOW_MS = 20.0
"""Round trip above which the host or its USB is slow; 2..5 ms are usual for an Arduino's USB chip."""

FAST_CLOCK_PPM = 7000.0
"""A Mega's resonator is within 0.5 %; with the host's own error that is the most that is sound."""

VAGUE_MS = 0.5
"""Error of the clock that can be heard in chords with other instruments."""

HEARD_US = 3000.0
"""Lateness that a musician hears in a chord."""

EXTRAS = (
    ("serial", "serial", "pyserial", "boards on serial ports"),
    ("audio", "sounddevice", "sounddevice", "the simulation on the loudspeaker"),
    ("plot", "resvg_py", "resvg-py", "pictures as PNG"),
    ("loudness", "pyloudnorm", "pyloudnorm", "WAV files as loud as asked"),
    ("gpio", "gpiozero", "gpiozero", "the pins of a Raspberry Pi"),
    ("gpio", "smbus2", "smbus2", "MCP23017 on a Raspberry Pi"),
    ("lgpio", "lgpio", "lgpio", "what gpiozero reaches the pins by"),
)
"""Extra of the package, a module and the package that brings it, and what that is for."""

OK, WARNING, FAILED = "ok", "warning", "FAILED"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check came to: 'ok', 'warning' or 'FAILED', of what, and one line with the remedy."""

    level: str
    subject: str
    words: str

    def __str__(self) -> str:
        return f"{self.level:<8} {self.subject:<8} {self.words}"


def folder_finding() -> Finding:
    """Look whether the folder of lock files and known boards can be written."""
    try:
        place = folder()
        with (place / "doctor.tmp").open("wb"):
            pass
        (place / "doctor.tmp").unlink()
    except (XylophoneError, OSError) as error:
        return Finding(FAILED, "folder", f"{error}: set XDG_STATE_HOME to a folder that can be written")
    return Finding(OK, "folder", f"{place} can be written: locks, known boards")


def extras_findings() -> Iterator[Finding]:
    """Look which optional libraries are there."""
    for extra, module, package, use in EXTRAS:
        if find_spec(module) is not None:
            yield Finding(OK, extra, f"{use}: installed")
        else:
            yield Finding(WARNING, extra, f"{use}: not installed; if you want it: {install(package)}")


def link_finding(report: Report) -> Finding:
    """Judge a serial link by its report."""
    round_trip = report.notes.get("round_trip_ms", 0.0)
    words = f"round trip {round_trip:.1f} ms"
    if trouble := line_words(report):
        remedy = "use a short cable, away from the coils' wires, and no USB hub"
        return Finding(WARNING, "link", f"{words}, but {trouble}: {remedy}")
    if round_trip > SLOW_MS:
        return Finding(WARNING, "link", f"{words} is slow: no USB hub, and end programs that use the CPU")
    return Finding(OK, "link", f"{words}, nothing damaged, nothing sent again")


def meddler_findings() -> Iterator[Finding]:
    """Name the programs that run here and take ports which are not theirs."""
    yield from (Finding(WARNING, "port", line) for line in meddlers())


def clock_finding(report: Report) -> Finding:
    """Judge the board's clock by a report."""
    rate, error = report.notes.get("rate_ppm", 0.0), report.notes.get("clock_error_ms", 0.0)
    words = f"{rate:+.0f} ppm against this machine's, known within {error:.3f} ms"
    if abs(rate) > FAST_CLOCK_PPM:
        remedy = "the board's resonator is bad, or this machine's clock is being set: look again"
        return Finding(FAILED, "clock", f"{words}, more than {FAST_CLOCK_PPM:.0f} ppm: {remedy}")
    if error > VAGUE_MS:
        remedy = "end programs that use the CPU, and use no USB hub"
        return Finding(WARNING, "clock", f"{words}, that is vague: {remedy}")
    return Finding(OK, "clock", words)


def lateness_finding(report: Report) -> Finding:
    """Judge by a report how punctual coils were switched on by this machine."""
    keys = [f"lateness_{key}_us" for key in ("median", "p99", "max")]
    median, most, worst = (max(0.0, report.notes[key]) for key in keys)  # some us early is in time
    words = f"coils go on {median:.0f} us late, 99 of 100 within {most:.0f} us, the latest {worst:.0f} us"
    if most > HEARD_US:
        return Finding(WARNING, "lateness", f"{words}: that can be heard; end programs that use the CPU")
    return Finding(OK, "lateness", words)


def writes_finding(report: Report) -> Finding:
    """Judge by a report how long it takes to write to this machine's own outputs."""
    mean, slowest = (report.notes[f"write_{key}_us"] for key in ("mean", "max"))
    often = 2 * report.notes["slow_writes"] > report.notes["writes"]
    words = f"a write to the outputs takes {mean:.0f} us, the slowest took {slowest:.0f} us"
    if often:
        return Finding(WARNING, "writes", f"{words}; {SLOW_WRITE / 1000:.0f} us is much: {FASTER}")
    return Finding(OK, "writes", words)
