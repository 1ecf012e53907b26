"""The simulated backend: pulses go to the digital twin, on a virtual clock or in real time."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any
from urllib.parse import parse_qsl

import numpy as np

from ..clock import Clock, SystemClock, VirtualClock
from ..config.values import MOST_SEED, SCATTERS, TOLERANCES, SimulationSettings
from ..errors import OptionError, did_you_mean
from ..instrument import Instrument
from ..simulation.faults import FaultyTwin, Planted
from ..simulation.hammers import BLOCK, Twin, twin_of
from ..simulation.readout import Outcome, join
from ..tables import HIT, Hits, Pulses, as_hits, joined, ordered, picked
from .backend import Backend
from .contract import Coils
from .pending import NOTHING

LOOKAHEAD = 0.5
"""s; as much as hardware would want, so that a player does here what it does there."""


class SimulatedBackend(Backend):
    """A backend whose hammers are a Twin's; it tells what was heard.

    Nothing runs in the background: what happened is worked out when somebody asks, and up to the
    clock's present only, since later pulses can still be taken back. Use it from one thread.
    """

    name = "sim"
    lookahead = LOOKAHEAD

    def __init__(self, instrument: Instrument, clock: Clock | None = None, twin: Twin | None = None) -> None:
        super().__init__(instrument, VirtualClock() if clock is None else clock)
        self.twin = Twin(instrument) if twin is None else twin
        self._unheard: list[Pulses] = []  # started, and the twin does not know yet
        self._outcomes = [self.twin.advance(NOTHING, -np.inf)]
        self._hits = as_hits(np.empty(0, HIT))  # heard, not taken

    def _write(self, pulses: Pulses) -> None:
        """Keep them: the twin is told when they have started."""

    def _cancel(self, after: float) -> None:
        """Do nothing, as the twin has not been told of them."""

    def _switch_off(self) -> None:
        """Cut what runs; hammers that are under way fly on."""
        now = self._catch_up()
        self._pending.take_back(-np.inf)
        if len(self._pending.running):
            self._hear(now)
            self.twin.cut(now)

    def _confirm_off(self) -> Coils:
        return Coils.OFF

    def _let_go(self) -> None:
        """Do nothing: what was heard can still be asked for."""

    def _catch_up(self) -> float:
        now = self.now()
        started = self._pending.pass_to(now)
        if len(started):
            self._unheard.append(started)
        return now

    def take_hits(self, until: float = np.inf) -> Hits:
        """Return the hits (dtype HIT) up to `until`, or to now if that is sooner, not taken before."""
        self._hear(self._catch_up())
        due = int(np.searchsorted(self._hits["time"], until, "right"))
        hits, self._hits = picked(self._hits, slice(due)), picked(self._hits, slice(due, None))
        return hits

    def outcome(self) -> Outcome:
        """Return all that was heard and felt so far; once closed, to the last hammer that still flew."""
        now = self._catch_up()
        self._hear(np.inf if self._closed else now)
        self._outcomes = [join(self._outcomes)]
        return self._outcomes[0]

    def _hear(self, until: float) -> None:
        """Have the twin play what has started, and keep what is heard up to `until`."""
        started = joined([NOTHING, *self._unheard])
        self._unheard = []
        for begin in range(BLOCK, len(started), BLOCK):
            block = picked(started, slice(begin - BLOCK, begin))
            self._keep(self.twin.advance(block, float(started["start"][begin])))
        rest = picked(started, slice((len(started) - 1) // BLOCK * BLOCK if len(started) else 0, None))
        self._keep(self.twin.advance(rest, until, picked(self._pending.waiting, slice(BLOCK))))

    def _keep(self, news: Outcome) -> None:
        before = self._outcomes[-1].peak_current
        limit = self.instrument.supply_limit * (1.0 + 1e-6)
        if news.peak_current > limit >= before:
            self._faults.add(
                self.now(),
                f"supply overloaded: {news.peak_current:.2f} A of {self.instrument.supply_limit:g} A; "
                "strike fewer hammers at once",
            )
        self._outcomes.append(replace(news, peak_current=max(before, news.peak_current)))
        if len(news.hits):
            self._hits = ordered(joined((self._hits, news.hits)), "time")


OPTIONS: dict[str, tuple[Callable[[str], Any], tuple[float, float], str]] = {
    "realtime": (("0", "1").index, (0, 1), "0 or 1"),
    "seed": (int, (0, MOST_SEED), "a whole number from 0"),
    "scatter": (
        float,
        SCATTERS,
        "a factor {:g}..{:g} of the usual scatter from strike to strike".format(*SCATTERS),
    ),
    "tolerance": (
        float,
        TOLERANCES,
        "a factor {:g}..{:g} of the usual differences between hammers".format(*TOLERANCES),
    ),
}
"""Options of a sim: URL: how each is read, its bounds, and what it may be in words."""

SWAPPED = "swapped"
TROUBLE = (*Planted, SWAPPED)
"""Options of a sim: URL that name bars whose hammers are out of order, or two whose cables are exchanged."""


def open_simulated(
    rest: str,
    instrument: Instrument,
    clock: Clock | None = None,
    simulation: SimulationSettings | None = None,
) -> SimulatedBackend:
    """Return the backend that the rest of a `sim:` URL asks for: '' or '?realtime=1&seed=3&scatter=0'.

    What it does not say is as in `simulation`; `scatter` is a factor on what stands there.
    Raises OptionError for an unknown option or a value out of bounds.
    """
    if clock is None:
        clock = SystemClock() if _options(rest).get("realtime") else VirtualClock()
    made = simulation_of(rest, simulation or SimulationSettings())
    return SimulatedBackend(instrument, clock, twin_for(rest, instrument, made))


def twin_for(rest: str, instrument: Instrument, made: SimulationSettings) -> Twin:
    """Return the hammers of a `sim:` URL, with the trouble that it plants; InstrumentError for no bar."""
    trouble = [(key, text) for key, text in parse_qsl(rest.partition("?")[2]) if key in TROUBLE]
    if not trouble:
        return twin_of(instrument, made)
    faults: dict[int, Planted] = {}
    swapped: list[tuple[int, int]] = []
    for key, text in trouble:
        places = [instrument.index(name.strip()) for name in text.split(",")]
        if key != SWAPPED:
            faults |= dict.fromkeys(places, Planted(key))
        elif len(places) == 2 and places[0] != places[1]:
            swapped.append((places[0], places[1]))
        else:
            raise OptionError(f"backend 'sim:{rest}': {SWAPPED} {text!r} must be two bars, as C5,D5")
    return FaultyTwin(instrument, faults=faults, swapped=tuple(swapped), **asdict(made))


def simulation_of(rest: str, simulation: SimulationSettings) -> SimulationSettings:
    """Return the simulated instrument that the rest of a `sim:` URL asks for; as open_simulated has it."""
    options = _options(rest)
    options.pop("realtime", None)
    return simulation.varied(**options)


def _options(rest: str) -> dict[str, Any]:
    place, _, query = rest.partition("?")
    if place:
        raise OptionError(f"backend 'sim:{rest}': there is nothing to name after sim: but ?options")
    values: dict[str, Any] = {}
    for key, text in parse_qsl(query, keep_blank_values=True):
        if key in TROUBLE:
            continue
        if key not in OPTIONS:
            hint = did_you_mean(key, [*OPTIONS, *TROUBLE], "there are", 0.3)
            raise OptionError(f"backend 'sim:{rest}': unknown option {key!r}: {hint}")
        read, (least, most), rule = OPTIONS[key]
        values[key] = math.nan
        with suppress(ValueError):
            values[key] = read(text)
        if not least <= values[key] <= most:
            raise OptionError(f"backend 'sim:{rest}': {key} {text!r} must be {rule}")
    return values
