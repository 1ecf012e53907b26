"""The GPIO backend: pulses go to a dispatcher process that switches a Raspberry Pi's outputs."""

from __future__ import annotations

from urllib.parse import parse_qsl

import numpy as np

from ..clock import Clock, SystemClock, VirtualClock
from ..errors import BackendError, OptionError, SafetyError
from ..gpio.coil_limits import EVER, FASTER, SECOND, Limits
from ..gpio.dispatcher import Switching
from ..gpio.lines import Dispatching, open_line_to
from ..gpio.log import REFUSALS, Count
from ..gpio.pi import require_pi
from ..instrument import Instrument
from ..link.news import BUSY, Late
from ..tables import PULSE, Floats, Pulses, as_pulses, joined, picked
from ..wiring import KINDS, Wiring
from .contract import Coils, Fault, Report
from .intake import Intake
from .lateness import Lateness

LOOKAHEAD = 1.0
"""s; what the dispatcher has in hand is played however busy this process is."""

JUDGED = 20
"""Writes that their time is judged by."""

UNPUNCTUAL = (
    "the dispatcher runs without {}, so strikes may be some ms late when this machine is busy: give the user "
    "the right to it, as docs/wiring.md says under Permissions"
)


class GpioBackend:
    """A backend whose hammers hang on a Pi. It keeps the contract; use it from one thread."""

    name = "gpio"
    lookahead = LOOKAHEAD

    def __init__(self, instrument: Instrument, line: Dispatching, clock: SystemClock | VirtualClock) -> None:
        """Play over a line whose times are those of a clock."""
        self.clock: Clock = clock
        self.instrument = instrument
        self.line = line
        self._zero = clock.zero if isinstance(clock, SystemClock) else 0.0
        self._intake = Intake(instrument)
        self._booked = as_pulses(np.empty(0, PULSE))  # handed over, and not ended when last looked at
        self._stopped = self._closed = self._slow = False
        self._late, self._latest = 0, 0.0
        self._faults: list[Fault] = []
        self._lateness = Lateness()
        self._over: str | None = None
        self._told_off = False  # the coils were to be off, and nothing has been scheduled since
        if line.denied:
            self._faults.append(Fault(self.now(), UNPUNCTUAL.format(" and ".join(line.denied))))

    @property
    def coils(self) -> Coils:
        """What came of the last order to switch off, as dispatcher and watchdog have confirmed it."""
        return Coils.OFF if self._told_off and not self.line.trouble else Coils.UNCONFIRMED

    def now(self) -> float:
        """Return the clock's time."""
        return self.clock.now()

    def schedule(self, pulses: Pulses) -> None:
        """Take pulses, all or none; see the contract, and Intake.admit for what is refused."""
        if self._closed:
            raise BackendError("this backend is closed: open it again")
        self._listen()
        if self._over is not None:
            raise BackendError(self._over)
        if self._stopped:
            raise SafetyError("the emergency stop is on: call clear() before the next pulse")
        now = self.now()
        self._intake.admit(pulses)
        late = pulses["start"] < now
        if late.any():
            self._count_late(pulses["start"][late], now)
        taken = picked(pulses, ~late)
        self._booked = joined((self._alive(now), taken))
        self._told_off = False
        self.line.send(self._on_the_line(taken))

    def cancel(self, after: float) -> int:
        """Take back every pulse that starts at or after `after` and has not started; return how many."""
        if self._closed or self._over is not None:
            return 0
        count = self.line.cancel(self._nanoseconds(after) if np.isfinite(after) else EVER)
        now = self.now()
        alive = self._alive(now)
        self._booked = picked(alive, (alive["start"] < after) | (alive["start"] < now))
        self._intake.forget(self._booked)
        return count

    def silence(self) -> None:
        """Switch all coils off now and forget the queue."""
        if not self._closed:
            self.line.silence()
            self._forget()

    def stop(self) -> None:
        """Silence by the hardware line, and refuse pulses until `clear`."""
        self._stopped = True
        if not self._closed:
            self.line.hold()
            self._forget()

    def clear(self) -> None:
        """Allow pulses again."""
        self._stopped = False
        if not self._closed:
            self.line.release()

    def poll(self) -> tuple[Fault, ...]:
        """Return the faults met since the last call."""
        self._listen()
        faults, self._faults = (*self._faults, *self._lateness.tell(self.now())), []
        return faults

    def report(self) -> Report:
        """Return what happened so far; see `_notes` for what else is counted."""
        log = self.line.log
        refused = dict(self._intake.refused)
        for reason in REFUSALS:
            if count := log[reason]:
                name = reason.name.lower()
                refused[name] = refused.get(name, 0) + count
        return Report(
            pulses=log[Count.PLAYED],
            late=self._late + log[Count.LATE],
            latest=max(self._latest, log[Count.LATEST] / SECOND),
            cancelled=log[Count.CANCELLED],
            refused=refused,
            notes=self._notes(),
        )

    def close(self) -> None:
        """Silence, for good, and end the dispatcher and its watchdog."""
        if self._closed:
            return
        try:
            self.silence()
        finally:
            self._closed = True
            self.line.close()

    def __enter__(self) -> GpioBackend:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _alive(self, now: float) -> Pulses:
        """Return the pulses in the dispatcher's hands that have not ended."""
        alive = picked(self._booked, self._booked["start"] + self._booked["width"] > now)
        return alive

    def _forget(self) -> None:
        self._told_off = True
        self._booked = as_pulses(np.empty(0, PULSE))
        self._intake.forget(self._booked)

    def _on_the_line(self, pulses: Pulses) -> list[Switching]:
        starts = np.round((pulses["start"] + self._zero) * SECOND).astype(np.int64)
        widths = np.round(pulses["width"] * SECOND).astype(np.int64)
        return [
            Switching(*row)
            for row in zip(starts.tolist(), widths.tolist(), pulses["channel"].tolist(), strict=True)
        ]

    def _nanoseconds(self, moment: float) -> int:
        return round((moment + self._zero) * SECOND)

    def _listen(self) -> None:
        """Take what the dispatcher has told."""
        for message, fatal in self.line.listen():
            self._faults.append(Fault(self.now(), message, fatal))
            if fatal:
                self._over = self._over or message

        self._look_at_writes()

    def _look_at_writes(self) -> None:
        """Say once that the outputs are slow, if more writes are than not."""
        log = self.line.log
        writes = log[Count.WRITES]
        if self._slow or writes < JUDGED or 2 * log[Count.SLOW] <= writes:
            return
        self._slow = True
        mean = log[Count.WRITING] / writes / 1e6
        words = f"each write to the outputs takes {mean:.1f} ms, which makes every strike late: {FASTER}"
        self._faults.append(Fault(self.now(), words))

    def _count_late(self, starts: Floats, now: float) -> None:
        by = now - float(starts.min())
        self._late, self._latest = self._late + len(starts), max(self._latest, by)
        self._lateness.add(now, Late(len(starts), by, BUSY))
        self._faults += self._lateness.tell(now)

    def _notes(self) -> dict[str, float]:
        """Return counters, times of writes, and median, 99th percentile and greatest lateness and width.

        All times are in us; lateness includes the write.
        """
        log = self.line.log
        counted = (Count.CUT, Count.WRITES, Count.TRIPS, Count.ERRORS, Count.REPAIRED)
        notes = {count.name.lower(): float(log[count]) for count in counted}
        notes["write_mean_us"] = log[Count.WRITING] / max(1, log[Count.WRITES]) / 1000
        notes["slow_writes"] = float(log[Count.SLOW])
        notes["write_max_us"] = log[Count.SLOWEST] / 1000
        for name, samples in (("lateness", log.lateness()), ("width_error", log.width_errors())):
            if samples:
                median, most, worst = (np.percentile(samples, (50, 99, 100)) / 1000).tolist()
                notes |= {f"{name}_median_us": median, f"{name}_p99_us": most, f"{name}_max_us": worst}
        return notes


def open_gpio(
    rest: str, instrument: Instrument, clock: Clock | None = None, wiring: Wiring | None = None
) -> GpioBackend:
    """Return the backend that the rest of a `gpio:` URL names: '595', 'mcp23017', 'pins' or 'null'.

    'null?trace=FILE' notes every write. Raises OptionError for another name, BackendMissing where outputs
    are not there or too few, BackendError where they do not start.
    """
    kind, trace = _named(rest)
    wiring = Wiring() if wiring is None else wiring
    wiring.require(kind, [hammer.channel for hammer in instrument.hammers])
    clock = SystemClock() if clock is None else clock
    assert isinstance(clock, SystemClock | VirtualClock)
    virtual = clock if isinstance(clock, VirtualClock) else None
    try:
        if kind != "null":
            require_pi()
        line = open_line_to(kind, wiring, Limits.of(instrument), trace, virtual)
    except BackendError as error:
        raise type(error)(f"gpio:{kind}: {error}") from error
    return GpioBackend(instrument, line, clock)


def _named(rest: str) -> tuple[str, str]:
    kind, _, query = rest.partition("?")
    kind = kind or KINDS[0]
    if kind not in KINDS:
        raise OptionError(
            f"backend 'gpio:{rest}': {kind!r} is no kind of output: give "
            f"{', '.join(f'gpio:{name}' for name in KINDS[:-1])}, or gpio:null to measure this machine"
        )
    options = dict(parse_qsl(query, keep_blank_values=True))
    trace = options.pop("trace", "")
    if options or (trace and kind != "null"):
        raise OptionError(
            f"backend 'gpio:{rest}': only gpio:null has an option, trace=FILE; wiring is in xylophone.toml"
        )
    return kind, trace
