"""A performance: all hits and misses of one playing, beside what was planned.

Times are seconds from the moment at which song time 0 sounds; the plan's lead-in is taken off.
Levels are dB relative to the loudest level of the instrument's common scale.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..instrument import Instrument
from ..sequencer import Plan, RefusedStrike
from ..tables import HIT, PLANNED, Bools, Floats, Hits, Ints, Refusal, ordered

ONE_INSTANT = 1e-6
"""s; notes closer than this stand at one instant of the score."""


@dataclass(frozen=True, slots=True)
class Blow:
    """One blow of one hammer: when, on which bar, how loud relative to the top of the common scale."""

    time: float
    hammer: str
    level_db: float


@dataclass(frozen=True, eq=False)
class Performance:
    """What was planned and what was heard; made by `Performance.of`.

    The first hit of a strike is the one heard of it. Arrays have one value for each row of the
    plan, in its order, and hold NaN where there is none.

    >>> instrument = build_instrument()
    >>> performance = simulate(arrange(load_song(find_song("sakura")), instrument))
    >>> len(performance), len(performance.missed), len(performance.doubled)
    (243, 0, 0)
    >>> performance.summary()["heard"]
    243
    """

    plan: Plan  # in the performance's time: its lead-in is 0
    hits: Hits  # dtype HIT, sorted by time, in the performance's time
    title: str = ""
    seed: int | None = None
    peak_current: float | None = None  # A, the most that was drawn at one moment
    hottest_coil_c: float | None = None  # degrees Celsius

    @classmethod
    def of(
        cls,
        plan: Plan,
        hits: Hits,
        *,
        title: str = "",
        seed: int | None = None,
        peak_current: float | None = None,
        hottest_coil_c: float | None = None,
    ) -> Performance:
        """Return the performance of a plan, given the hits (dtype HIT) in the plan's own time.

        HIT.strike counts from the plan's `first`; a hit with -1 belongs to no strike. Raises TypeError
        for another table, ValueError for a hit of a strike or channel that does not exist.
        """
        if hits.dtype != HIT or plan.rows.dtype != PLANNED:
            raise TypeError("a performance needs the rows of a plan (dtype PLANNED) and hits (dtype HIT)")
        hits = ordered(hits, "time")
        owned = hits["strike"] >= 0
        hits["strike"][owned] -= plan.first
        hits["time"] -= plan.lead_in
        _check(plan, hits, owned)
        from_zero = replace(plan.later(-plan.lead_in), first=0)
        return cls(from_zero, hits, title, seed, peak_current, hottest_coil_c)

    def __len__(self) -> int:
        return len(self.plan.rows)

    @property
    def instrument(self) -> Instrument:
        """The instrument that was played."""
        return self.plan.instrument

    @property
    def planned(self) -> Floats:
        """The musical time of each strike."""
        return np.asarray(self.plan.rows["time"])

    @property
    def moved(self) -> Floats:
        """The sequencer's re-timing of each strike; NaN where it was refused."""
        return np.where(self.sent, self.plan.rows["moved"], np.nan)

    @property
    def rolled(self) -> Bools:
        """Which strikes were moved because their chord is rolled."""
        return np.asarray(self.plan.rows["rolled"])

    @property
    def sent(self) -> Bools:
        """Which strikes were not refused."""
        return np.asarray(self.plan.rows["refused"] == Refusal.NONE)

    @cached_property
    def heard(self) -> Floats:
        """When each strike was heard."""
        return self._of_hits(self.hits["time"])

    @cached_property
    def level_db(self) -> Floats:
        """How loud each strike was heard."""
        return self._of_hits(self.hits["level"] - self.plan.top_db)

    @property
    def planned_level_db(self) -> Floats:
        """How loud each strike was planned."""
        return np.asarray(self.plan.rows["level"] - self.plan.top_db)

    @cached_property
    def timing_error(self) -> Floats:
        """Heard less planned less moved of each strike sent, less the median of all."""
        return _centred(np.where(self.sent, self.heard - self.planned - self.moved, np.nan))

    @cached_property
    def score_error(self) -> Floats:
        """Heard less planned of each strike sent, less the median of all; NaN in rolled chords."""
        plain = self.sent & ~self.in_rolled_chord
        return _centred(np.where(plain, self.heard - self.planned, np.nan))

    @property
    def level_error_db(self) -> Floats:
        """How much louder each strike sent was heard than planned."""
        return np.where(self.sent, self.level_db - self.planned_level_db, np.nan)

    @cached_property
    def instants(self) -> Ints:
        """The number of the instant of the score at which each strike stands, counted from 0."""
        order = np.argsort(self.planned, kind="stable")
        steps = np.diff(self.planned[order], prepend=-np.inf) > ONE_INSTANT
        numbers = np.empty(len(order), dtype=np.intp)
        numbers[order] = np.cumsum(steps) - 1
        return numbers

    @cached_property
    def in_rolled_chord(self) -> Bools:
        """Which strikes share their instant of the score with one that is rolled, or are rolled."""
        return np.asarray(self._rolled_instants[self.instants])

    @cached_property
    def chord_spreads(self) -> Floats:
        """Last less first of every instant of the score with two heard notes or more, rolled ones apart."""
        heard = ~np.isnan(self.heard) & ~self.in_rolled_chord
        where, times = self.instants[heard], self.heard[heard]
        count = len(self._rolled_instants)
        first, last = np.full(count, np.inf), np.full(count, -np.inf)
        np.minimum.at(first, where, times)
        np.maximum.at(last, where, times)
        chords = np.bincount(where, minlength=count) > 1
        return np.asarray(last[chords] - first[chords])

    @property
    def missed(self) -> tuple[Blow, ...]:
        """Every strike that was sent and not heard, as it was planned."""
        rows = np.flatnonzero(self.sent & np.isnan(self.heard))
        times = self.planned[rows] + self.plan.rows["moved"][rows]
        return self._blows(times, self.plan.rows["hammer"][rows], self.planned_level_db[rows])

    @property
    def doubled(self) -> tuple[Blow, ...]:
        """Every hit of a strike after its first."""
        return self._hits_as_blows(self._counted[1])

    @property
    def extra(self) -> tuple[Blow, ...]:
        """Every hit that belongs to no strike."""
        return self._hits_as_blows(self.hits["strike"] < 0)

    @property
    def refused(self) -> tuple[RefusedStrike, ...]:
        """Every strike that was not sent: its `time`, its `hammer` and `why`, in the plan's order."""
        return self.plan.refused

    def times(self, bar: str) -> list[float]:
        """Return when a bar ('C6', or a pitch number) was heard, a second blow of one pulse included.

        InstrumentError for a bar that the instrument does not have.
        """
        return [float(time) for time in self.hits["time"][self._on(bar)]]

    def levels(self, bar: str) -> list[float]:
        """Return how loud a bar was heard, in dB, in the order of `times`."""
        return [float(level) for level in self.hits["level"][self._on(bar)] - self.plan.top_db]

    def summary(self) -> dict[str, Any]:
        """Return the figures of the whole performance, as docs/simulate-json.md names them."""
        heard = ~np.isnan(self.heard)
        return {
            "strikes": len(self),
            "heard": int(np.count_nonzero(heard)),
            "missed": int(np.count_nonzero(self.sent & ~heard)),
            "double": int(np.count_nonzero(self._counted[1])),
            "refused": self.plan.refusals,
            "timing_error": _figures(self.timing_error, 6, 50, 95),
            "score_error": _figures(self.score_error, 6, 50, 95),
            "level_error_db": _figures(self.level_error_db, 3, 50, 95),
            "chord_spread": _figures(self.chord_spreads, 6, 95),
            "rolled": int(np.count_nonzero(self._rolled_instants)),
            "peak_current": _rounded(self.peak_current, 4),
            "supply_limit": float(self.instrument.supply_limit),
            "hottest_coil_c": _rounded(self.hottest_coil_c, 2),
        }

    def to_json(self) -> dict[str, Any]:
        """Return the stable JSON of `simulate` (docs/simulate-json.md); all numbers are finite."""
        rows = self.plan.rows
        bars = self.instrument.hammers
        words = [None, *(reason.word for reason in Refusal if reason)]
        columns = {
            "planned": _listed(self.planned, 6),
            "heard": _listed(self.heard, 6),
            "hammer": [bars[place].name for place in rows["hammer"].tolist()],
            "pitch": [bars[place].pitch for place in rows["hammer"].tolist()],
            "velocity": np.clip(np.rint(rows["velocity"]), 1, 127).astype(int).tolist(),
            "planned_level_db": _listed(self.planned_level_db, 3),
            "level_db": _listed(self.level_db, 3),
            "refused": [words[code] for code in rows["refused"].tolist()],
            "moved": _listed(self.moved, 6),
        }
        strikes = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        head = {"song": self.title or None, "instrument": self.instrument.name, "seed": self.seed}
        return {**head, "strikes": strikes, "summary": self.summary()}

    @cached_property
    def _counted(self) -> tuple[Bools, Bools]:
        """Which hits are the first of a strike, and which are later ones of it."""
        owned = np.flatnonzero(self.hits["strike"] >= 0)
        _, first = np.unique(self.hits["strike"][owned], return_index=True)
        firsts = np.zeros(len(self.hits), dtype=bool)
        firsts[owned[first]] = True
        return firsts, (self.hits["strike"] >= 0) & ~firsts

    @cached_property
    def _rolled_instants(self) -> Bools:
        instants = int(self.instants.max()) + 1 if len(self) else 0
        return np.bincount(self.instants[self.rolled], minlength=instants) > 0

    def _of_hits(self, values: Floats) -> Floats:
        """Return a value of the first hit of each strike."""
        found = np.full(len(self), np.nan)
        firsts = self._counted[0]
        found[self.hits["strike"][firsts]] = values[firsts]
        return found

    def _on(self, bar: str) -> Bools:
        channel = self.instrument.hammers[self.instrument.index(bar)].channel
        return np.asarray(self.hits["channel"] == channel)

    def _hits_as_blows(self, which: Bools) -> tuple[Blow, ...]:
        hits = self.hits[which]
        hammers = self.instrument.places[hits["channel"]]
        return self._blows(hits["time"], hammers, hits["level"] - self.plan.top_db)

    def _blows(self, times: Floats, hammers: Ints, levels: Floats) -> tuple[Blow, ...]:
        names = [self.instrument.hammers[place].name for place in hammers.tolist()]
        return tuple(Blow(*row) for row in zip(times.tolist(), names, levels.tolist(), strict=True))


def _check(plan: Plan, hits: Hits, owned: Bools) -> None:
    strikes = hits["strike"][owned]
    if len(strikes) and not (strikes.min() >= 0 and strikes.max() < len(plan.rows)):
        least, most = strikes.min() + plan.first, strikes.max() + plan.first
        raise ValueError(
            f"hits of strikes {least}..{most}, but the plan has {plan.first}.."
            f"{plan.first + len(plan.rows) - 1}: give the hits of this plan"
        )
    strange = ~np.isin(hits["channel"], plan.instrument.column("channel"))
    if strange.any():
        raise ValueError(
            f"a hit on channel {hits['channel'][strange][0]}, which has no hammer in {plan.instrument.name}: "
            "give the hits of this instrument"
        )


def _centred(errors: Floats) -> Floats:
    known = errors[~np.isnan(errors)]
    return errors - np.median(known) if len(known) else errors


def _figures(values: Floats, digits: int, *percents: int) -> dict[str, float | None]:
    """Return percentiles and the maximum of absolute values, null where there are none."""
    sizes = np.abs(values[~np.isnan(values)])
    names = [*(f"p{percent}" for percent in percents), "max"]
    if not len(sizes):
        return dict.fromkeys(names)
    found = np.percentile(sizes, [*percents, 100])
    return {name: _rounded(float(value), digits) for name, value in zip(names, found, strict=True)}


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None or not np.isfinite(value) else round(float(value), digits)


def _listed(values: Floats, digits: int) -> list[float | None]:
    """Return numbers as a list, rounded, None for what is not finite."""
    rounded = np.round(values.astype(np.float64), digits) + 0.0
    return [value if math.isfinite(value) else None for value in rounded.tolist()]
