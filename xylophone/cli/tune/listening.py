"""What the commands with a microphone share: its options, the session's folder, the ear, the progress."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from ...backends.backend import Backend
from ...clock import VirtualClock
from ...config import Settings
from ...running.playing import folder
from ...sound.position import LENGTH, Position, position_of
from ...soundcard.microphone import Microphone
from ...tuning.auto_session import Ear, Progress
from ...tuning.checking import history_of, read_history
from ...words import counted
from ..incidents import closing
from ..option_types import stack
from ..printing import ask, terminal
from ..stage import open_stage, simulated

listening_options = stack(
    click.option(
        "--mic", metavar="PLACE", help="front (1 m before the middle), low, high, or ALONG,BEFORE in metres."
    ),
    click.option("--length", type=float, help="Metres from the lowest bar to the highest.  [default: 0.9]"),
    click.option("--device", help="Input of the sound card, by number or a part of its name."),
)
"""What a command with a microphone is told of it."""


def ask_to_strike(found: Settings, yes: bool, how: str) -> None:
    """Ask before real hammers are struck, unless the answer is `yes` already; click.Abort for a no."""
    if not (yes or found.backend.startswith("sim:")):
        ask(f"Strike all {counted(len(found.instrument), 'hammer')} of {found.backend} {how}", abort=True)


def position_from(options: dict[str, Any]) -> Position | None:
    """Take the microphone's place out of a command's keyword arguments; None where nothing is said of it."""
    place, length = options.pop("mic"), options.pop("length")
    if place is None and length is None:
        return None
    return position_of(place or "front", LENGTH if length is None else length)


def check_history(calibration: Path) -> None:
    """Raise FileError, before anything is struck, where what is heard could not be added to the history."""
    read_history(history_of(calibration))


def session_folder(found: Settings) -> Path:
    """Return the folder in which the recording of an instrument on its backend is kept: in the user's
    state folder."""
    name = re.sub(r"[^A-Za-z0-9]+", "-", f"{found.instrument.name}-{found.backend}").strip("-")
    return folder() / "tuning" / name


@contextmanager
def ear_before(found: Settings, position: Position, device: str | None) -> Iterator[tuple[Backend, Ear]]:
    """Open the backend and a microphone before it; simulated hammers have a simulated one, and hurry."""
    if found.backend.startswith("sim:"):
        backend, ear = _simulated(found, position)
        with closing(backend):
            yield backend, ear
        return
    with open_stage(found) as stage, Microphone(device) as microphone:
        yield stage.backend, microphone


def _simulated(found: Settings, position: Position) -> tuple[Backend, Ear]:
    from ...simulation.ear import Room, SimulatedEar, SimulatedMicrophone  # not for a real microphone

    backend = simulated(found, VirtualClock())
    return backend, SimulatedEar(backend, SimulatedMicrophone(found.instrument, Room(position)))


@contextmanager
def progress_shown() -> Iterator[Callable[[Progress], object]]:
    """Show on a terminal how far a session is, and how long it will take."""
    from rich.progress import BarColumn, Progress as Bar, TextColumn, TimeElapsedColumn

    console = terminal(err=True)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[left]}"),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=1.0, left="")

        def told(progress: Progress) -> None:
            left = max(0, round(progress.whole - progress.played))
            words = f"{left // 60}:{left % 60:02d} left"
            bar.update(
                task, description=progress.doing, completed=progress.played / progress.whole, left=words
            )

        yield told
