"""The simulated backend: pulses go to the digital twin, on a virtual clock or in real time."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import parse_qsl

import numpy as np

from ..clock import Clock, SystemClock, VirtualClock
from ..errors import BackendError, OptionError, SafetyError
from ..instrument import Instrument
from ..link.news import BUSY, Late
from ..simulation.hammers import BLOCK, Twin
from ..simulation.outcome import Outcome, join
from ..tables import HIT, PULSE, Floats, Hits, Pulses, as_hits, as_pulses, joined, ordered, picked
from .contract import Coils, Fault, Report
from .intake import Intake
from .lateness import Lateness

LOOKAHEAD = 0.5
"""s; as much as hardware would want, so that a player does here what it does there."""

_NONE = as_pulses(np.empty(0, PULSE))


class SimulatedBackend:
    """A backend whose hammers are a Twin's. It keeps the contract, and tells what was heard.

    Nothing runs in the background: what happened is worked out when somebody asks, and up to the
    clock's present only, since later pulses can still be taken back. Use it from one thread.
    """

    name = "sim"
    lookahead = LOOKAHEAD

    def __init__(self, instrument: Instrument, clock: Clock | None = None, twin: Twin | None = None) -> None:
        self.clock: Clock = VirtualClock() if clock is None else clock
        self.instrument = instrument
        self.twin = Twin(instrument) if twin is None else twin
        self._intake = Intake(instrument)
        self._queue = _NONE  # not started
        self._running = _NONE  # started and, when last looked at, not ended
        self._unheard: list[Pulses] = []  # started, and the twin does not know yet
        self._outcomes = [self.twin.advance(self._queue, -np.inf)]
        self._hits = as_hits(np.empty(0, HIT))  # heard, not taken
        self._faults: list[Fault] = []
        self._lateness = Lateness()
        self._report = Report()
        self._cut = 0
        self._stopped = self._closed = False
        self.coils = Coils.UNCONFIRMED

    def now(self) -> float:
        """Return the clock's time."""
        return self.clock.now()

    def schedule(self, pulses: Pulses) -> None:
        """Take pulses, all or none; see the contract, and Intake.admit for what is refused."""
        if self._closed:
            raise BackendError("this backend is closed: open it again")
        if self._stopped:
            raise SafetyError("the emergency stop is on: call clear() before the next pulse")
        now = self._begin()
        self._intake.admit(pulses)
        late = pulses["start"] < now
        if late.any():
            self._count_late(pulses["start"][late], now)
        self.coils = Coils.UNCONFIRMED
        self._queue = joined((self._queue, picked(pulses, ~late)))

    def cancel(self, after: float) -> int:
        """Take back every pulse that starts at or after `after` and has not started; return how many."""
        self._begin()
        kept = picked(self._queue, self._queue["start"] < after)
        count = len(self._queue) - len(kept)
        self._queue = kept
        self._intake.forget(joined((self._running, kept)))
        self._report = replace(self._report, cancelled=self._report.cancelled + count)
        return count

    def silence(self) -> None:
        """Switch all coils off now and forget the queue; hammers that are under way fly on."""
        if self._closed:
            return
        now = self._begin()
        self.cancel(-np.inf)
        if len(self._running):
            self._listen(now)
            self.twin.cut(now)
            self._cut += len(self._running)
            self._running = _NONE
        self._intake.forget(self._running)
        self.coils = Coils.OFF

    def stop(self) -> None:
        """Silence, and refuse pulses until `clear`."""
        self._stopped = True
        self.silence()

    def clear(self) -> None:
        """Allow pulses again."""
        self._stopped = False

    def poll(self) -> tuple[Fault, ...]:
        """Return the faults met since the last call."""
        faults, self._faults = (*self._faults, *self._lateness.tell(self.now())), []
        return faults

    def report(self) -> Report:
        """Return what happened so far; `notes` counts pulses that were cut short."""
        self._begin()
        return replace(self._report, refused=dict(self._intake.refused), notes={"cut": float(self._cut)})

    def close(self) -> None:
        """Silence, for good."""
        self.silence()
        self._closed = True

    def __enter__(self) -> SimulatedBackend:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def take_hits(self, until: float = np.inf) -> Hits:
        """Return the hits (dtype HIT) up to `until`, or to now if that is sooner, not taken before."""
        self._listen(self._begin())
        due = int(np.searchsorted(self._hits["time"], until, "right"))
        hits, self._hits = picked(self._hits, slice(due)), picked(self._hits, slice(due, None))
        return hits

    def outcome(self) -> Outcome:
        """Return all that was heard and felt so far; once closed, to the last hammer that still flew."""
        now = self._begin()
        self._listen(np.inf if self._closed else now)
        self._outcomes = [join(self._outcomes)]
        return self._outcomes[0]

    def _begin(self) -> float:
        """Let pulses that are due start, and count those that have ended; return the present."""
        now = self.clock.now()
        due = int(np.searchsorted(self._queue["start"], now, "right"))
        if due:
            started = picked(self._queue, slice(due))
            self._unheard.append(started)
            self._running = joined((self._running, started))
            self._queue = picked(self._queue, slice(due, None))
        if len(self._running):
            ended = self._running["start"] + self._running["width"] <= now
            self._report = replace(self._report, pulses=self._report.pulses + int(ended.sum()))
            self._running = picked(self._running, ~ended)
        return now

    def _listen(self, until: float) -> None:
        """Have the twin play what has started, and keep what is heard up to `until`."""
        started = joined([_NONE, *self._unheard])
        self._unheard = []
        for begin in range(BLOCK, len(started), BLOCK):
            block = picked(started, slice(begin - BLOCK, begin))
            self._keep(self.twin.advance(block, float(started["start"][begin])))
        rest = picked(started, slice((len(started) - 1) // BLOCK * BLOCK if len(started) else 0, None))
        self._keep(self.twin.advance(rest, until, picked(self._queue, slice(BLOCK))))

    def _keep(self, news: Outcome) -> None:
        before = self._outcomes[-1].peak_current
        limit = self.instrument.supply_limit * (1.0 + 1e-6)
        if news.peak_current > limit >= before:
            self._faults.append(
                Fault(
                    self.now(),
                    f"supply overloaded: {news.peak_current:.2f} A of {self.instrument.supply_limit:g} A; "
                    "strike fewer hammers at once",
                )
            )
        self._outcomes.append(replace(news, peak_current=max(before, news.peak_current)))
        if len(news.hits):
            self._hits = ordered(joined((self._hits, news.hits)), "time")

    def _count_late(self, starts: Floats, now: float) -> None:
        by = now - float(starts.min())
        self._report = replace(
            self._report, late=self._report.late + len(starts), latest=max(self._report.latest, by)
        )
        self._lateness.add(now, Late(len(starts), by, BUSY))
        self._faults += self._lateness.tell(now)


def _switch(text: str) -> bool:
    if text not in ("0", "1"):
        raise ValueError(text)
    return text == "1"


def _seed(text: str) -> int:
    if not 0 <= int(text) < 2**63:
        raise ValueError(text)
    return int(text)


def _factor(text: str) -> float:
    if not 0.0 <= float(text) <= 10.0:
        raise ValueError(text)
    return float(text)


def _tolerance(text: str) -> float:
    if not 0.0 <= float(text) <= 3.0:
        raise ValueError(text)
    return float(text)


OPTIONS: dict[str, tuple[Callable[[str], float], float, str]] = {
    "realtime": (_switch, False, "0 or 1"),
    "seed": (_seed, 0, "a whole number from 0"),
    "scatter": (_factor, 1.0, "a factor 0..10 of the usual scatter from strike to strike"),
    "tolerance": (_tolerance, 1.0, "a factor 0..3 of the usual differences between hammers"),
}
"""Options of a sim: URL: how each is read, its default, and what it may be."""


def open_simulated(rest: str, instrument: Instrument, clock: Clock | None = None) -> SimulatedBackend:
    """Return the backend that the rest of a `sim:` URL asks for: '' or '?realtime=1&seed=3&scatter=0'.

    Raises OptionError for an unknown option or a value out of bounds.
    """
    options = _options(rest)
    scatter = options["scatter"]
    twin = Twin(
        instrument,
        seed=int(options["seed"]),
        scatter_time=0.0003 * scatter,
        scatter_level_db=0.3 * scatter,
        tolerance=options["tolerance"],
    )
    if clock is None:
        clock = SystemClock() if options["realtime"] else VirtualClock()
    return SimulatedBackend(instrument, clock, twin)


def _options(rest: str) -> dict[str, float]:
    place, _, query = rest.partition("?")
    if place:
        raise OptionError(f"backend 'sim:{rest}': there is nothing to name after sim: but ?options")
    values = {key: default for key, (_, default, _) in OPTIONS.items()}
    for key, text in parse_qsl(query, keep_blank_values=True):
        if key not in OPTIONS:
            near = difflib.get_close_matches(key, OPTIONS, 1, 0.3)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(OPTIONS)}"
            raise OptionError(f"backend 'sim:{rest}': unknown option {key!r}: {hint}")
        read, _, rule = OPTIONS[key]
        try:
            values[key] = read(text)
        except ValueError:
            raise OptionError(f"backend 'sim:{rest}': {key} {text!r} must be {rule}") from None
    return values
