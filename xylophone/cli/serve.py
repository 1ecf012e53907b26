"""`xylophone serve`: the owner, a process that holds the instrument for whatever else wants to play it."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from ..clock import SystemClock
from ..config import Settings
from ..errors import XylophoneError
from ..gpio.realtime import hurry
from ..owner.core import Opened
from ..owner.last import LastQueue
from ..owner.making import Recipe
from ..owner.notify import Supervisor
from ..owner.places import own_door
from ..owner.service import Service, Stage
from ..player.loop import TICK
from ..running.playing import leaving_on_signals, playing
from ..sequencer import PlanOptions
from ..shelf.logbook import Logbook
from ..shelf.replacing import take_back
from ..shelf.store import NAME
from .aloud import Aloud
from .calibrations import calibration_of
from .options import settings, stage_options
from .printing import say, warn
from .song_options import complete_songs, find_all
from .stage import open_stage, sounding

SIGN = 1.0
"""s between two signs of life."""


@click.command()
@click.argument("names", metavar="[SONG...]", nargs=-1, shell_complete=complete_songs)
@stage_options
@click.option("--loop", is_flag=True, help="Play these songs again and again.")
@click.option("--last", is_flag=True, help="Go on with what was playing last.")
@click.option("--mute", is_flag=True, help="No loudspeaker.")
def serve(names: tuple[str, ...], loop: bool, last: bool, mute: bool, **options: Any) -> None:
    """Hold the instrument until Ctrl-C or SIGTERM, and let clients play it: play, status, stop and others.

    It begins with these songs, or waits. A board that is not plugged in is waited for; what fails is opened
    again.
    """
    if names and last:
        raise click.UsageError("--last plays what was playing: leave the songs out, or --last")
    found, door, clock, supervisor = (
        _whole(options),
        own_door(os.environ),
        SystemClock(),
        Supervisor(os.environ),
    )
    recipe = Recipe(found.instrument, found.arrange.weights)
    stage, alive = _stage(found, clock, mute), _signs(supervisor, clock)
    logbook, aloud = Logbook(found.home.folder / NAME), Aloud(warn)
    owner = Service(stage, recipe, door, clock, found.backend, logbook=logbook, say=aloud, alive=alive)
    owner.core.manner.speed, owner.core.manner.volume = found.player.speed, found.player.volume
    owner.core.most_volume, owner.core.config = found.home.most_volume, found.config
    with leaving_on_signals(), playing(found.backend, config=found.config), aloud, owner:
        say(f"the owner of {found.backend} listens at {door.path}")
        owner.start_with(_beginning(found, names, loop, last, door.state), found.home.start_volume)
        _be_in_time(found)
        supervisor.ready(f"holding {found.backend}")
        try:
            owner.hold()
        finally:
            supervisor.leaving()


def _whole(options: dict[str, Any]) -> Settings:
    """Load the settings, as they were before a restore that was cut short."""
    found = settings(dict(options))
    return settings(options) if take_back(found.home.folder) else found


def _beginning(found: Settings, names: tuple[str, ...], loop: bool, last: bool, folder: Path) -> LastQueue:
    """Return what is to play at the start: these songs, the last queue, or what is configured.

    What is configured and cannot be read is told, and left out.
    """
    if names:
        return _queue(names, loop)
    home = found.home
    try:
        if (last or home.resume) and (kept := LastQueue.read(folder)).songs:
            return kept
        return _queue(home.at_start, home.loop) if home.at_start else LastQueue()
    except XylophoneError as error:
        warn(error)
        return LastQueue()


def _queue(names: tuple[str, ...], loop: bool) -> LastQueue:
    paths, _ = find_all(names)
    return LastQueue([{"path": str(path.absolute())} for path in paths], loop)


def _be_in_time(found: Settings) -> None:
    """Let nothing hold the loop up: garbage is collected in silence only, and hardware has priority."""
    gc.collect()
    gc.freeze()
    gc.disable()
    if found.backend.startswith("gpio:") and not hurry():
        warn("no real-time priority: docs/wiring.md says under Permissions how this user gets it")


def _stage(found: Settings, clock: SystemClock, mute: bool) -> Stage:
    """Return what opens the backend in force, for as long as its block runs."""

    @contextmanager
    def stage() -> Iterator[Opened]:
        with open_stage(found, clock) as opened, sounding(opened, mute):
            backend, calibration = opened.backend, calibration_of(found, opened.twin)
            tick = backend.lookahead / 4 if opened.twin is None else TICK
            options, tuned = PlanOptions(roll=found.player.roll), found.calibration
            yield Opened(backend, calibration, options, opened.listen, tick, tuned and tuned.absolute())

    return stage


def _signs(supervisor: Supervisor, clock: SystemClock) -> Callable[[], None]:
    """Return what gives a sign of life, at most so often."""
    last = -SIGN

    def alive() -> None:
        nonlocal last
        if clock.now() - last >= SIGN:
            last = clock.now()
            supervisor.alive()

    return alive
