"""`xylophone serve`: the owner, a process that holds the instrument for whatever else wants to play it."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import click

from ..clock import SystemClock
from ..config import Settings
from ..gpio.realtime import hurry
from ..owner.core import Core, Opened
from ..owner.desk import Desk
from ..owner.latch import Latch
from ..owner.making import Maker, Recipe
from ..owner.notify import Supervisor
from ..owner.places import own_door
from ..owner.restarts import Restarts
from ..owner.server import Server
from ..player.loop import TICK
from ..running.playing import leaving_on_signals, playing
from ..sequencer import PlanOptions
from .calibrations import calibration_of
from .options import settings, stage_options
from .printing import say, warn
from .stage import open_stage, sounding

SIGN = 1.0
"""s between two signs of life."""


@click.command()
@stage_options
@click.option("--mute", is_flag=True, help="No loudspeaker.")
def serve(mute: bool, **options: Any) -> None:
    """Hold the instrument until Ctrl-C or SIGTERM, and let clients play it: play, status, stop and others.

    A board that is not plugged in is waited for; what fails is opened again.
    """
    found = settings(options)
    with ExitStack() as held:
        held.enter_context(leaving_on_signals())
        held.enter_context(playing(found.backend, config=found.config))
        _Service(found, mute, held).run()


class _Service:
    """The parts of an owner, put together; they end with `held`."""

    def __init__(self, found: Settings, mute: bool, held: ExitStack) -> None:
        self._found, self._mute = found, mute
        self._clock, self._supervisor = SystemClock(), Supervisor(os.environ)
        self._sign, self._noted = 0.0, False
        door = own_door(os.environ)
        maker = Maker(Recipe(found.instrument, found.arrange.weights), self._clock, lambda: self._core.wake())
        self._core = Core(
            self._stage,
            maker,
            Latch(door.state),
            self._clock,
            tell=self._note,
            say=warn,
            alive=self._be_alive,
        )
        self._core.url = found.backend
        self._core.manner.speed, self._core.manner.volume = found.player.speed, found.player.volume
        writing = held.enter_context(ThreadPoolExecutor(1, "latch"))
        self._server = Server(lambda command, who: self._desk.answer(command, who), self._greeting, door)
        self._desk = Desk(self._core, self._server.tell, writing)
        self._server.start()
        held.callback(self._server.close)
        held.callback(maker.close)
        restarts = Restarts(door.path.parent)
        restarts.begin(self._clock.zero + self._clock.now())
        held.callback(restarts.end)
        say(f"the owner of {found.backend} listens at {door.path}")

    def run(self) -> None:
        """Hold the instrument."""
        gc.collect()
        gc.freeze()
        gc.disable()
        if not self._found.backend.startswith("sim:") and not hurry():
            warn("no real-time priority: docs/wiring.md says under Permissions how this user gets it")
        self._supervisor.ready(f"holding {self._found.backend}")
        try:
            self._core.hold()
        finally:
            self._supervisor.leaving()
            self._server.tell({"event": "bye", "why": "the owner ends"})

    @contextmanager
    def _stage(self) -> Iterator[Opened]:
        with open_stage(self._found, self._clock) as stage, sounding(stage, self._mute):
            yield Opened(
                stage.backend,
                calibration_of(self._found, stage.twin),
                PlanOptions(roll=self._found.player.roll),
                stage.listen,
                stage.backend.lookahead / 4 if stage.twin is None else TICK,
            )

    def _greeting(self) -> dict[str, Any]:
        instrument = self._found.instrument
        return {
            "zero": self._clock.zero,
            "backend": self._found.backend,
            "instrument": instrument.name,
            "bars": [hammer.name for hammer in instrument.hammers],
        }

    def _note(self) -> None:
        """Have the clients told what has changed, on the server's thread."""
        if not self._noted:
            self._noted = True
            self._server.soon(self._tell)

    def _tell(self) -> None:
        self._noted = False
        self._desk.tell()

    def _be_alive(self) -> None:
        now = self._clock.now()
        if now - self._sign >= SIGN:
            self._sign = now
            self._supervisor.alive()
