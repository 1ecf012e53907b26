"""`xylophone doctor`: is everything as it should be? One line for each thing, with the remedy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, TypeGuard

import click

from ..backends.backend import Backend
from ..backends.serial import SerialBackend
from ..config import Settings
from ..errors import BackendError, BackendMissing, XylophoneError
from ..files import write_text
from ..words import counted
from .calibrations import calibration_of
from .findings import (
    FAILED,
    OK,
    WARNING,
    Finding,
    clock_finding,
    extras_findings,
    folder_finding,
    lateness_finding,
    link_finding,
    meddler_findings,
    writes_finding,
)
from .firmware import board_words
from .incidents import not_played
from .options import FOLDER_PATH, check_writable, settings, stage_options
from .printing import ask, say
from .report import backend as figures_of, report_text
from .stage import Stage, alone_on_stage
from .striking import strike_in_turn

if TYPE_CHECKING:
    from ..backends.gpio import GpioBackend

LISTENING = 3.0
"""s for which the link is listened to, so that clock and line can be judged."""

SOFT = 30.0
"""Velocity of a test strike."""

APART = 0.5
"""s between two test strikes."""


@click.command()
@stage_options
@click.option("--hammers", is_flag=True, help="Strike every hammer softly, one after the other.")
@click.option("--yes", is_flag=True, help="Do not ask before the hammers are struck.")
@click.option("--report", type=FOLDER_PATH, help="Write versions and figures to a file that can be sent on.")
def doctor(hammers: bool, yes: bool, report: Path | None, **options: Any) -> None:
    """Check the installation, the board, its link, clock and limits, and on request every hammer."""
    found = settings(options)
    check_writable(report)
    shown, figures, failed = _Shown(), None, None
    shown.show((folder_finding(), *extras_findings()))
    try:
        with alone_on_stage(found) as stage:
            shown.show(_examine(stage, found))
            if is_silent(found.backend) or (hammers and (yes or _agreed(found))):
                shown.show(_strike_all(stage, found))
        figures = figures_of(stage.backend)
    except XylophoneError as error:
        failed = error
        shown.show([Finding(FAILED, "backend", "; ".join(error.lines))])
        if found.backend.startswith("serial:") and isinstance(error, BackendMissing):
            shown.show(meddler_findings())
    if report is not None:
        write_text(report, report_text(found, shown.findings, figures))
        say(f"wrote {report}: versions and figures, no names, paths or serial numbers")
    shown.conclude(type(failed) if failed else BackendError)


class _Shown:
    """What was found so far, each thing shown as it came."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def show(self, findings: Iterable[Finding]) -> None:
        """Show what comes, and keep it."""
        for finding in findings:
            self.findings.append(finding)
            say(str(finding))

    def conclude(self, failure: type[XylophoneError]) -> None:
        """Say that all is well; where a check has failed, raise `failure` instead."""
        levels = [finding.level for finding in self.findings]
        if FAILED in levels:
            raise failure(f"{levels.count(FAILED)} of {len(levels)} checks failed: see above")
        warnings = levels.count(WARNING)
        but = f", but for {counted(warnings, 'warning')}" if warnings else ""
        say(f"all is well{but}")


def _examine(stage: Stage, found: Settings) -> Iterator[Finding]:
    """Yield what there is to say of an open backend."""
    instrument = found.instrument
    limits = (
        f"{counted(len(instrument), 'hammer')} of {instrument.name}, at "
        f"most {instrument.largest_chord} at once"
    )
    yield Finding(OK, "backend", f"{found.backend} opens{_board(stage)}")
    if is_gpio(stage.backend):
        yield Finding(OK, "limits", f"{limits}: the dispatcher holds the same")
        yield from _examine_outputs(stage.backend)
        return
    if not is_serial(stage.backend):
        yield Finding(OK, "limits", limits)
        return
    yield Finding(OK, "limits", f"{limits}: the board has the same, by its checksum")
    yield from examine_link(stage.backend)


def is_serial(backend: Backend) -> TypeGuard[SerialBackend]:
    """Tell whether hammers hang on a board."""
    return backend.name == "serial"


def examine_link(backend: SerialBackend) -> Iterator[Finding]:
    """Listen for a while, and yield what there is to say of the line to a board and of its clock."""
    backend.clock.wait_until(backend.now() + LISTENING)
    report, faults = backend.report(), backend.poll()
    if not faults:
        yield link_finding(report)
        yield clock_finding(report)
        return
    level = WARNING if backend.board.heard else FAILED
    yield from (Finding(level, "link", fault.message) for fault in faults)
    yield from meddler_findings()


def is_silent(url: str) -> bool:
    """Tell whether a backend strikes nothing, and only shows how punctual this machine is."""
    return url.partition("?")[0] == "gpio:null"


def is_gpio(backend: Backend) -> TypeGuard[GpioBackend]:
    """Tell whether hammers hang on this machine's own outputs."""
    return backend.name == "gpio"


def _examine_outputs(backend: GpioBackend) -> Iterator[Finding]:
    """Yield what the dispatcher has found of its outputs, and what the system permits it."""
    yield Finding(OK, "outputs", backend.line.found)
    denied = [fault.message for fault in backend.poll()]
    for message in denied:
        yield Finding(WARNING, "priority", message)
    if not denied:
        yield Finding(OK, "priority", "the dispatcher has real-time priority and locked memory")


def _board(stage: Stage) -> str:
    """Return who the board behind a serial backend is."""
    backend = stage.backend
    return f": {board_words(backend.identity)}" if is_serial(backend) else ""


def _agreed(found: Settings) -> bool:
    question = (
        f"Strike all {counted(len(found.instrument), 'hammer')} of "
        f"{found.backend} softly, one after the other?"
    )
    return ask(question)


def _left_to_ears(url: str) -> str:
    """Return what doctor, who has no microphone, cannot say of hammers that it has struck."""
    if is_silent(url):
        return "no wires"
    if url.partition(":")[0] == "sim":
        found = f"xylophone tune auto --backend {quote(url)}"
        return f"simulated, nobody heard it; what is wrong is found by {found}"
    return "one that you did not hear has a loose wire or a bad driver"


def _strike_all(stage: Stage, found: Settings) -> Iterator[Finding]:
    """Strike every hammer in turn, its name shown at its time, and yield what came of it."""
    hammers, before = found.instrument.hammers, stage.backend.report()

    def began(turn: int) -> None:
        say(f"         strike   {hammers[turn].name} on channel {hammers[turn].channel}")

    turns, calibration = [[place] for place in range(len(hammers))], calibration_of(found, stage.twin)
    plan = strike_in_turn(stage, calibration, turns, velocity=SOFT, apart=APART, began=began)
    for refused in plan.refused:
        yield Finding(FAILED, "hammers", f"{refused.hammer} was not struck: {refused.why}")
    after = stage.backend.report()
    lost = not_played(after)
    count = after.pulses - before.pulses
    if lost or count < len(plan.pulses):
        reasons = f"; {lost}" if lost else ""
        yield Finding(
            FAILED, "hammers", f"{count} of {len(hammers)} struck{reasons}: see docs/troubleshooting.md"
        )
        return
    yield Finding(OK, "hammers", f"{count} struck: {_left_to_ears(found.backend)}")
    if is_gpio(stage.backend):
        yield lateness_finding(after)
        yield writes_finding(after)
