"""A folder with an instrument of six simulated hammers that has been tuned, and what may go wrong there."""

from __future__ import annotations

import contextlib
import io
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xylophone.backends import simulated
from xylophone.cli import run
from xylophone.simulation import ear
from xylophone.simulation.ear import Room
from xylophone.simulation.faults import FaultyTwin, Planted

Run = Callable[..., Any]

BARS = ("G4", "D5", "G5", "C6", "G6", "C7")
CONFIG = f"[instrument]\nname = 'six'\npitches = {list(BARS)}\n[simulation]\nseed = 2\n"
CALIBRATION, HISTORY = "calibration-sim.toml", "calibration-sim.history.jsonl"
SESSION = Path("home", "xylophone", "tuning", "six-sim")
"""Where the session is kept, from the folder the command runs in."""

PLAN, TAKE = SESSION / "session.json", SESSION / "take-1.wav"


@dataclass(frozen=True)
class Home:
    """A folder where the hammers were tuned, and what the command said."""

    folder: Path
    out: str


def tuned_home(folder: Path, cache: Path) -> Home:
    """Tune the hammers once, in a new folder."""
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(said):
        for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"):
            patch.setenv(name, str(folder / "home"))
        patch.setenv("XDG_CACHE_HOME", str(cache))
        patch.delenv("XYLOPHONE_CONFIG", raising=False)
        patch.delenv("XYLOPHONE_BACKEND", raising=False)
        patch.chdir(folder)
        Path("xylophone.toml").write_text(CONFIG)
        assert run(["tune", "auto"]) == 0
    return Home(folder, said.getvalue())


def copied(home: Home, folder: Path) -> Path:
    """Copy that folder to where a test runs its commands."""
    shutil.copytree(home.folder, folder, dirs_exist_ok=True)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """Return what the files of a folder hold, those of the user's state folder left out."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def refused(ran: Any, code: int, *words: str) -> None:
    """Assert that a run failed with this code and one line on stderr that holds these words."""
    assert (ran.code, ran.err.count("\n")) == (code, 1), ran
    assert ran.err.startswith("xylophone: ")
    for word in words:
        assert word in ran.err


def in_a_room(patch: pytest.MonkeyPatch, **room: Any) -> None:
    """Let the simulated microphone of the command meet this room."""
    patch.setattr(ear, "Room", lambda position: Room(position, **room))


def with_faults(patch: pytest.MonkeyPatch, faults: dict[int, Planted]) -> None:
    """Let the simulated hammers of the command be out of order."""
    patch.setattr(simulated, "twin_of", lambda of, made: FaultyTwin(of, made.seed, faults=faults))


def interrupted(patch: pytest.MonkeyPatch, after: float, interrupt: Callable[[], object]) -> None:
    """Let something happen to the session when it has been heard for so many seconds."""
    read, frames = ear.SimulatedEar.read, 0

    def reading(heard: ear.SimulatedEar) -> np.ndarray:
        nonlocal frames
        sound = read(heard)
        frames += len(sound)
        if frames > after * heard.sample_rate:
            interrupt()
        return sound

    patch.setattr(ear.SimulatedEar, "read", reading)
