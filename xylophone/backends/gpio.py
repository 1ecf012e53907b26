"""The GPIO backend: pulses go to a dispatcher process that switches a Raspberry Pi's outputs."""

from __future__ import annotations

from urllib.parse import parse_qsl

import numpy as np

from ..clock import Clock, SystemClock
from ..errors import BackendError, OptionError
from ..gpio.coil_limits import FASTER, SECOND, Limits
from ..gpio.dispatcher import Switching
from ..gpio.host import Processes
from ..gpio.log import REFUSALS, Count
from ..gpio.pi import require_pi
from ..instrument import Instrument
from ..tables import Pulses
from ..wiring import KINDS, Wiring
from .backend import Backend
from .contract import Coils, Report

LOOKAHEAD = 1.0
"""s; what the dispatcher has in hand is played however busy this process is."""

LONG = 4e9
"""s; times beyond are as good as never, in the 64 bits of their ns."""

JUDGED = 20
"""Writes that their time is judged by."""

UNPUNCTUAL = (
    "the dispatcher runs without {}, so strikes may be some ms late when this machine is busy: give the user "
    "the right to it, as docs/wiring.md says under Permissions"
)


class GpioBackend(Backend):
    """A backend whose hammers hang on a Pi; use it from one thread."""

    name = "gpio"
    lookahead = LOOKAHEAD

    def __init__(self, instrument: Instrument, line: Processes, clock: Clock) -> None:
        """Play over a line whose times are those of a clock."""
        super().__init__(instrument, clock)
        self.line = line
        self._zero = clock.zero if isinstance(clock, SystemClock) else 0.0
        self._slow = False
        if line.denied:
            self._faults.add(self.now(), UNPUNCTUAL.format(" and ".join(line.denied)))

    @property
    def coils(self) -> Coils:
        """What came of the last order to switch off, as dispatcher and watchdog have confirmed it."""
        return Coils.UNCONFIRMED if self.line.trouble else super().coils

    def _write(self, pulses: Pulses) -> None:
        self.line.send(self._on_the_line(pulses))

    def _cancel(self, after: float) -> int:
        return 0 if self._faults.over else self.line.cancel(self._nanoseconds(after))

    def _switch_off(self) -> None:
        self.line.silence()

    def _confirm_off(self) -> Coils:
        return Coils.OFF  # else the line has trouble

    def _hold(self) -> None:
        self.line.hold()

    def _release(self) -> None:
        self.line.release()

    def _let_go(self) -> None:
        self.line.close()

    def _listen(self) -> None:
        for message, fatal in self.line.listen():
            self._faults.add(self.now(), message, BackendError if fatal else None)
        self._look_at_writes()

    def _count(self, now: float) -> Report:
        log = self.line.log
        return Report(
            pulses=log[Count.PLAYED],
            late=log[Count.LATE],
            latest=log[Count.LATEST] / SECOND,
            cancelled=log[Count.CANCELLED],
            refused={reason.name.lower(): log[reason] for reason in REFUSALS},
            notes=self._notes(),
        )

    def _on_the_line(self, pulses: Pulses) -> list[Switching]:
        starts = np.round((pulses["start"] + self._zero) * SECOND).astype(np.int64)
        widths = np.round(pulses["width"] * SECOND).astype(np.int64)
        return [
            Switching(*row)
            for row in zip(starts.tolist(), widths.tolist(), pulses["channel"].tolist(), strict=True)
        ]

    def _nanoseconds(self, moment: float) -> int:
        return round(min(max(moment + self._zero, -LONG), LONG) * SECOND)

    def _look_at_writes(self) -> None:
        """Say once that the outputs are slow, if more writes are than not."""
        log = self.line.log
        writes = log[Count.WRITES]
        if self._slow or writes < JUDGED or 2 * log[Count.SLOW] <= writes:
            return
        self._slow = True
        mean = log[Count.WRITING] / writes / 1e6
        words = f"each write to the outputs takes {mean:.1f} ms, which makes every strike late: {FASTER}"
        self._faults.add(self.now(), words)

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
                median, most, worst = (np.percentile(np.asarray(samples), (50, 99, 100)) / 1000).tolist()
                notes |= {f"{name}_median_us": median, f"{name}_p99_us": most, f"{name}_max_us": worst}
        return notes


def open_gpio(
    rest: str, instrument: Instrument, clock: Clock | None = None, wiring: Wiring | None = None
) -> GpioBackend:
    """Return the backend that the rest of a `gpio:` URL names: '595', 'mcp23017', 'pins' or 'null'.

    'null?trace=FILE' notes every write. Raises OptionError for another name, BackendMissing where outputs
    are not there or too few, BackendError where they do not start. A clock must be the machine's.
    """
    kind, trace = _named(rest)
    wiring = Wiring() if wiring is None else wiring
    wiring.require(kind, [hammer.channel for hammer in instrument.hammers])
    clock = SystemClock() if clock is None else clock
    if not isinstance(clock, SystemClock):
        raise OptionError(f"gpio:{kind} plays by the machine's own time: give it a SystemClock, or none")
    try:
        if kind != "null":
            require_pi()
        line = Processes(kind, wiring, Limits.of(instrument), trace)
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
