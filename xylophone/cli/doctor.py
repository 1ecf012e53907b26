"""`xylophone doctor`: is everything as it should be? One line for each thing, with the remedy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from ..errors import BackendError, XylophoneError
from ..running import leaving_on_signals, playing
from .options import calibration_of, setting_options, settings
from .outcome import line_words, not_played, tell
from .stage import Stage, open_stage
from .striking import strike_in_turn

if TYPE_CHECKING:
    from ..backends.contract import Report
    from ..config import Settings

LISTENING = 3.0
"""s for which the link is listened to, so that clock and line can be judged."""

SLOW_MS = 20.0
"""Round trip above which the host or its USB is slow; 2..5 ms are usual for an Arduino's USB chip."""

FAST_CLOCK_PPM = 7000.0
"""A Mega's resonator is within 0.5 %; with the host's own error that is the most that is sound."""

VAGUE_MS = 0.5
"""Error of the clock that can be heard in chords with other instruments."""

SOFT = 30.0
"""Velocity of a test strike."""

APART = 0.5
"""s between two test strikes."""

OK, WARNING, FAILED = "ok", "warning", "FAILED"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check came to: 'ok', 'warning' or 'FAILED', of what, and one line with the remedy."""

    level: str
    subject: str
    words: str

    def __str__(self) -> str:
        return f"{self.level:<8} {self.subject:<8} {self.words}"


@click.command()
@setting_options
@click.option("--backend", metavar="URL", help="Backend, in place of the configured one.")
@click.option("--hammers", is_flag=True, help="Strike every hammer softly, one after the other.")
@click.option("--yes", is_flag=True, help="Do not ask before the hammers are struck.")
def doctor(hammers: bool, yes: bool, **options: Any) -> None:
    """Check the installation, the board, its link, clock and limits, and on request every hammer."""
    found = settings(options)
    failed: XylophoneError | None = None
    levels: list[str] = []

    def show(finding: Finding) -> None:
        levels.append(finding.level)
        click.echo(str(finding))

    for finding in (folder_finding(), *extras_findings()):
        show(finding)
    try:
        with leaving_on_signals(), playing(found.backend), open_stage(found) as stage:
            for finding in _examine(stage, found):
                show(finding)
            if hammers and (yes or _agreed(found)):
                for finding in _strike_all(stage, found):
                    show(finding)
    except XylophoneError as error:
        failed = error
        show(Finding(FAILED, "backend", str(error)))
    if FAILED in levels:
        kind = type(failed) if failed else BackendError
        raise kind(f"{levels.count(FAILED)} of {len(levels)} checks failed: see above")
    warnings = levels.count(WARNING)
    but = f", but for {warnings} warning{'s' if warnings > 1 else ''}" if warnings else ""
    click.echo(f"all is well{but}")


def folder_finding() -> Finding:
    """Look whether the folder of lock files and known boards can be written."""
    from ..running import folder

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
    from importlib.util import find_spec

    for extra, module, use in (
        ("serial", "serial", "boards on serial ports"),
        ("audio", "sounddevice", "the simulation on the loudspeaker"),
        ("plot", "resvg_py", "pictures as PNG"),
    ):
        if find_spec(module) is not None:
            yield Finding(OK, extra, f"{use}: installed")
        else:
            remedy = f"python -m pip install 'xylophone[{extra}]'"
            yield Finding(WARNING, extra, f"{use}: not installed; if you want it: {remedy}")


def _examine(stage: Stage, found: Settings) -> Iterator[Finding]:
    """Yield what there is to say of an open backend."""
    instrument = found.instrument
    limits = f"{len(instrument)} hammers of {instrument.name}, at most {instrument.largest_chord} at once"
    yield Finding(OK, "backend", f"{found.backend} opens{_board(stage)}")
    if "round_trip_ms" not in stage.backend.report().notes:
        yield Finding(OK, "limits", limits)
        return
    yield Finding(OK, "limits", f"{limits}: the board has the same, by its checksum")
    stage.backend.clock.wait_until(stage.backend.now() + LISTENING)
    report = stage.backend.report()
    tell(stage.backend.poll())
    yield link_finding(report)
    yield clock_finding(report)


def _board(stage: Stage) -> str:
    """Return who the board behind a serial backend is."""
    from ..backends.serial import SerialBackend
    from .firmware import board_words

    backend = stage.backend
    said = backend.identity if isinstance(backend, SerialBackend) else None
    return "" if said is None else f": {board_words(said)}"


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


def _agreed(found: Settings) -> bool:
    question = f"Strike all {len(found.instrument)} hammers of {found.backend} softly, one after the other?"
    return click.confirm(question)


def _strike_all(stage: Stage, found: Settings) -> Iterator[Finding]:
    """Strike every hammer in turn, its name shown at its time, and yield what came of it."""
    hammers, before = found.instrument.hammers, stage.backend.report()

    def began(turn: int) -> None:
        click.echo(f"         strike   {hammers[turn].name} on channel {hammers[turn].channel}")

    plan = strike_in_turn(
        stage,
        calibration_of(found, stage.twin),
        [[place] for place in range(len(hammers))],
        velocity=SOFT,
        apart=APART,
        began=began,
    )
    for refused in plan.refused:
        yield Finding(FAILED, "hammers", f"{refused.hammer} was not struck: {refused.why}")
    after = stage.backend.report()
    lost = not_played(after, {})
    count = after.pulses - before.pulses
    if lost or count < len(plan.pulses):
        reasons = f"; not played: {lost}" if lost else ""
        yield Finding(
            FAILED, "hammers", f"{count} of {len(hammers)} struck{reasons}: see docs/troubleshooting.md"
        )
        return
    yield Finding(
        OK, "hammers", f"{count} struck: one that you did not hear has a loose wire or a bad driver"
    )
