"""The stage: the backend in force, opened, and what makes its hits seen and heard."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..backends import open_backend
from ..backends.backend import Backend
from ..clock import Clock, SystemClock
from ..config import Settings, SimulationSettings
from ..errors import BackendMissing, MissingExtra
from ..running.playing import leaving_on_signals, playing
from ..soundcard.loudspeaker import DELAY, Loudspeaker
from .incidents import closing, tell
from .printing import warn
from .screen import Lights

if TYPE_CHECKING:
    from ..backends.simulated import SimulatedBackend
    from ..player import Player
    from ..simulation.hammers import Twin


HEAR_IT = "to hear it all the same: xylophone simulate greensleeves --wav greensleeves.wav; "
"""What comes first where there is no loudspeaker."""


class Stage:
    """A backend in real time; a simulated one is heard and seen here."""

    def __init__(self, backend: Backend, twin: Twin | None) -> None:
        self.backend = backend
        self.twin = twin
        self.lights = Lights(backend.instrument)
        self.loudspeaker: Loudspeaker | None = None
        self._faults_told = 0

    @property
    def delay(self) -> float:
        """How much later than it happens a hit is heard, and so to be seen, s."""
        return 0.0 if self.loudspeaker is None else DELAY

    def listen(self) -> None:
        """Pass on what simulated hammers have struck since the last call; real bars sound by themselves."""
        take = getattr(self.backend, "take_hits", None)
        if take is None:
            return
        hits = take()
        if len(hits):
            self.lights.hit(hits)
            if self.loudspeaker is not None:
                self.loudspeaker.hear(hits)

    def attend(self) -> None:
        """Pass on what was struck, and tell what the backend met; BackendError if nothing more plays then."""
        self.listen()
        faults = self.backend.poll()
        tell(faults)
        for fault in faults:
            fault.require_more()

    def tell_faults(self, player: Player) -> None:
        """Print the faults that a player has met on this stage since the last call."""
        new, self._faults_told = player.faults_met - self._faults_told, player.faults_met
        if new:
            tell(list(player.faults)[-new:])


@contextmanager
def open_stage(found: Settings, clock: SystemClock | None = None) -> Iterator[Stage]:
    """Open the backend in force; it is silenced and closed on every way out."""
    clock = SystemClock() if clock is None else clock
    backend = open_backend(found.backend, found.instrument, clock, found.wiring, found.simulation)
    with closing(backend):
        yield Stage(backend, getattr(backend, "twin", None))


@contextmanager
def alone_on_stage(found: Settings) -> Iterator[Stage]:
    """Open the backend in force for this program alone, until the block or a signal ends it."""
    with leaving_on_signals(), playing(found.backend, config=found.config), open_stage(found) as stage:
        yield stage


def simulated(found: Settings, clock: Clock) -> SimulatedBackend:
    """Return the simulated instrument that is in force: of the configuration, or as its URL says."""
    from ..backends.simulated import open_simulated  # the physics, which no board needs

    return open_simulated(found.backend.partition(":")[2], found.instrument, clock, found.simulation)


def simulation_of(found: Settings) -> SimulationSettings:
    """Return which simulated instrument is in force, of the configuration or as its URL says."""
    from ..backends import simulated as physics  # which no board needs

    scheme, _, rest = found.backend.partition(":")
    return physics.simulation_of(rest, found.simulation) if scheme == "sim" else found.simulation


@contextmanager
def sounding(stage: Stage, mute: bool, quiet: bool = False) -> Iterator[None]:
    """Let simulated hammers be heard while the block runs; unless `quiet`, say once why they are not."""
    if mute or stage.twin is None:
        yield
        return
    try:
        loudspeaker = Loudspeaker(stage.backend.instrument)
    except (MissingExtra, BackendMissing) as error:
        if not quiet:
            warn(error, HEAR_IT)
        yield
        return
    with loudspeaker:
        loudspeaker.start(stage.backend.now())
        stage.loudspeaker = loudspeaker
        yield
