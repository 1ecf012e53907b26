"""A plan: what became of every strike, and the pulses that a backend is to play."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from ..errors import OptionError
from ..instrument import Instrument
from ..tables import PULSE, Floats, Planned, Pulses, Refusal, as_pulses, copied, filled


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What the sequencer may do to a strike before it drops it.

    >>> instrument, strikes = build_instrument(), np.zeros(12, STRIKE)
    >>> strikes["hammer"], strikes["velocity"] = range(12), 100
    >>> sequence(strikes, instrument, calibration_for(instrument, None), PlanOptions(roll=False)).refusals
    {'supply': 4}
    """

    roll: bool = True  # a chord that the supply cannot drive at once may be rolled
    shift: float = 0.003  # s, a contact may be moved by so much without a word
    roll_limit: float = 0.030  # s, a rolled chord is spread over at most this
    softening_db: float = 3.0  # an inner note may be softened by so much

    def __post_init__(self) -> None:
        for name, value, most in (
            ("shift", self.shift, 0.020),
            ("roll_limit", self.roll_limit, 0.200),
            ("softening_db", self.softening_db, 20.0),
        ):
            if not 0 <= value <= most:
                raise OptionError(f"plan option {name} {value} is out of range: give 0..{most}")


@dataclass(frozen=True, slots=True)
class RefusedStrike:
    """A strike that was not sent: when it should have sounded, its hammer, and why in words."""

    time: float
    hammer: str
    why: str


@dataclass(frozen=True, eq=False)
class Plan:
    """Rows (dtype PLANNED, sorted by time) of one commit, in backend time.

    `first` is the number of the first row: rows of one planner count on from plan to plan, and
    PULSE.strike is that number. `lead_in` is the backend time at which song time 0 sounds.
    `ready` gives, for rows refused by recovery, when their hammer is ready again.

    >>> instrument, strikes = build_instrument(), np.zeros(2, STRIKE)
    >>> strikes["velocity"], strikes["time"] = 80, [0.0, 0.02]
    >>> plan = sequence(strikes, instrument, calibration_for(instrument, None))
    >>> len(plan.pulses), plan.peak_current
    (1, 1.0)
    >>> print(plan.refused[0].why)
    hammer G4 is ready again at 0.088 s
    """

    instrument: Instrument
    rows: Planned
    top_db: float  # dB re 1 m/s of the loudest level of the common scale
    lead_in: float = 0.0
    first: int = 0
    ready: Mapping[int, float] = field(default_factory=dict)

    @cached_property
    def pulses(self) -> Pulses:
        """The pulses of all strikes that are sent: a table of dtype PULSE sorted by start."""
        sent = np.flatnonzero(self.rows["refused"] == Refusal.NONE)
        sent = sent[np.argsort(self.rows["start"][sent], kind="stable")]
        columns = {key: self.rows[key][sent] for key in ("start", "width")}
        columns["channel"] = self.instrument.column("channel")[self.rows["hammer"][sent]]
        return as_pulses(filled(PULSE, len(sent), strike=sent + self.first, **columns))

    @property
    def refused(self) -> tuple[RefusedStrike, ...]:
        """Every strike that was not sent, with the reason in words."""
        return tuple(self._explain(int(row)) for row in np.flatnonzero(self.rows["refused"]))

    @property
    def refusals(self) -> dict[str, int]:
        """How many strikes were refused for each reason."""
        counts = Counter(self.rows["refused"][self.rows["refused"] > 0].tolist())
        return {Refusal(code).word: count for code, count in sorted(counts.items())}

    @property
    def peak_current(self) -> float:
        """The most that the coils draw at one moment in amperes, each taken at its full current."""
        pulses = self.pulses
        if not len(pulses):
            return 0.0
        current = self.instrument.column("current")[self.instrument.places[pulses["channel"]]]
        return float(drawn(pulses["start"], pulses["start"] + pulses["width"], current).max())

    def later(self, by: float) -> Plan:
        """Return the plan with all of its times so many seconds later."""
        rows = copied(self.rows)
        for key in ("time", "start"):
            rows[key] += by
        ready = {row: moment + by for row, moment in self.ready.items()}
        return replace(self, rows=rows, ready=ready, lead_in=self.lead_in + by)

    def _explain(self, row: int) -> RefusedStrike:
        strike = self.rows[row]
        hammer = self.instrument.hammers[strike["hammer"]]
        limit = self.instrument.supply_limit
        why = {
            Refusal.RECOVERY: f"hammer {hammer.name} is ready again at {self.ready.get(row, np.nan):.3f} s",
            Refusal.SUPPLY: f"the supply limit of {limit:g} A is taken by strikes of the same moment",
            Refusal.HEAT: f"the coil of {hammer.name} has used its {hammer.capacity:.1f} s of on-time",
            Refusal.LATE: "it came too late to start in time",
        }[Refusal(int(strike["refused"]))]
        return RefusedStrike(float(strike["time"]), hammer.name, why)


def drawn(start: Floats, end: Floats, current: Floats) -> Floats:
    """Return the current drawn at each start, this pulse included; pulses sorted by start.

    The sum is greatest at one of the starts. A pulse that ends as another starts does not overlap it.
    """
    by_end = np.argsort(end, kind="stable")
    gone = np.concatenate(([0.0], np.cumsum(current[by_end])))
    ended = np.searchsorted(end[by_end], start, "right")
    return np.cumsum(current) - gone[ended]
