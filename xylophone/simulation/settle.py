"""Finds what many pulses do together: each hammer's motion, and the supply that they share.

Every pulse is integrated by itself, under the supply voltage that the others leave it, the warmth
of its coil, and the place in which its predecessor left the plunger. All three follow from the
other pulses' motions, so they are guessed, and pulses whose guess was wrong are integrated again
until none is (waveform relaxation; Lelarasmee, Ruehli & Sangiovanni-Vincentelli 1982). What is left
over changes an impact by less than a microsecond.

Song time is long and mostly silent for coils, so the steps in which any coil is on are laid end to
end: a silent hour takes no memory.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..tables import Bools, Floats, Ints, Pulses, picked
from .carried import Carried, Ghosts, Settled
from .integrate import LONGEST_FLIGHT, STEP, Motion, Rows, integrate
from .parameters import COLD, COPPER, Hammers


class Supply:
    """The time grid of n pulses: `first` step of each, and for how many `steps` it may draw current."""

    def __init__(self, first: Ints, steps: Ints, resistance: float) -> None:
        self.resistance = resistance
        self.steps = steps
        order = np.argsort(first, kind="stable")
        last = np.maximum.accumulate((first + steps)[order])
        gap = np.zeros(len(first), np.int64)
        gap[1:] = np.maximum(0, first[order][1:] - last[:-1])
        offset = np.empty(len(first), np.int64)
        offset[order] = first[order] - first[order][:1] - np.cumsum(gap)
        self._length = int((offset + steps).max(initial=0)) + 1  # one more: where rows have ended
        ticks = np.arange(int(steps.max(initial=0)))[:, None]
        self._cell = np.where(ticks < steps, offset + ticks, self._length - 1)
        self._shared = self._find_shared(order, first, last)

    def _find_shared(self, order: Ints, first: Ints, last: Ints) -> Bools:
        """Tell which pulses are on while another is."""
        begin = first[order]
        meets = begin[1:] < last[:-1]  # the next begins before all so far have ended
        shared = np.zeros(len(order), dtype=bool)
        shared[order[1:]] |= meets
        shared[order[:-1]] |= meets
        return shared

    def total(self, drawn: Floats) -> Floats:
        """Return the current in A of all coils in each step in which any is on; `drawn` is (steps, n)."""
        cells = self._cell.ravel()
        total: Floats = np.bincount(cells, drawn.ravel(), self._length).astype(np.float64)
        total[-1] = 0.0
        return total

    def sag(self, drawn: Floats) -> Floats:
        """Return the voltage (steps, n) that each row loses to the others."""
        lost = np.zeros(drawn.shape)
        rows = np.flatnonzero(self._shared)
        if len(rows):
            cells = self._cell[:, rows]
            lost[:, rows] = self.resistance * (self.total(drawn)[cells] - drawn[:, rows])
            lost[:, rows] *= cells < self._length - 1
        return lost


SLACK_VOLTS = 1e-5
"""Part of the supply voltage by which the sag may be off."""

SLACK_KELVIN = 0.003

SLACK_STATE = (1e-5, 2e-7, 2e-5)
"""A, m and m/s by which the plunger's state at the beginning may be off."""

MOST_PASSES = 30
"""Rounds of integration at most; a song takes three, a plunger that never gets home more."""


@dataclass(frozen=True)
class Setting:
    """What all hammers have in common: supply without load (V), its resistance (ohm), ambient (C)."""

    voltage: float | Floats  # one for each pulse on the bench
    source: float
    ambient: float
    step: float = STEP


def neighbours(hammer: Ints) -> tuple[Ints, Ints]:
    """Return for each pulse, in order of time, the one before and the one after on its hammer; -1: none."""
    order = np.argsort(hammer, kind="stable")
    same = hammer[order][1:] == hammer[order][:-1]
    before, after = np.full(len(hammer), -1), np.full(len(hammer), -1)
    before[order[1:][same]] = order[:-1][same]
    after[order[:-1][same]] = order[1:][same]
    return before, after


def settle(
    hammers: Hammers, setting: Setting, carried: Carried, ghosts: Ghosts, pulses: Pulses, hammer: Ints
) -> Settled:
    """Return what pulses do, which start after those that led to `carried`."""
    return _Relaxation(hammers, setting, carried, ghosts, pulses, hammer).run()


class _Relaxation:
    """The guesses of one batch of pulses, and what was integrated from them."""

    def __init__(
        self,
        hammers: Hammers,
        setting: Setting,
        carried: Carried,
        ghosts: Ghosts,
        pulses: Pulses,
        hammer: Ints,
    ) -> None:
        self.setting, self.carried, self.ghosts = setting, carried, ghosts
        self.pulses, self.hammer = pulses, hammer
        self.own = picked(hammers, hammer)
        self.start, self.width = pulses["start"].copy(), pulses["width"].copy()
        self.before, self.after = neighbours(hammer)
        self.rows, self.first = self._rows()
        self.steps = np.ceil(self.rows.end).astype(np.int64)
        first, steps = (np.concatenate(p) for p in ((ghosts.first, self.first), (ghosts.steps, self.steps)))
        self.supply = Supply(first, steps, setting.source)
        self.warmth = np.zeros(len(pulses))
        self.rank = self._rank()
        order = np.argsort(self.rank, kind="stable")
        parts = np.split(order, np.flatnonzero(np.diff(self.rank[order])) + 1)
        self.ranks = parts if len(order) else []

    def _rows(self) -> tuple[Rows, Ints]:
        step, own, carried = self.setting.step, self.own, self.carried
        place = self.start / step
        first = np.floor(place)
        end = (self.start + self.width) / step - first
        stop = np.where(self.after >= 0, first[self.after] - first, np.inf)
        stop[stop > end + LONGEST_FLIGHT / step] = np.inf
        ended = np.where(self.before >= 0, (self.start + self.width)[self.before], carried.end[self.hammer])
        rested = -np.expm1(-np.maximum(self.start - ended, 0.0) / own.rest_time)
        state = (
            np.where(self.before >= 0, 0.0, kept[self.hammer])
            for kept in (carried.current, carried.travel, carried.speed)
        )
        friction = own.friction * (1.0 + own.stick * rested)
        voltage = np.full(len(first), self.setting.voltage, dtype=np.float64)
        rows = Rows(own, voltage, own.resistance.copy(), friction, place - first, end, stop, *state)
        return rows, first.astype(np.int64)

    def _rank(self) -> Ints:
        rank = np.zeros(len(self.hammer), np.int64)
        for row, before in enumerate(self.before.tolist()):
            if before >= 0:
                rank[row] = rank[before] + 1
        return rank

    def run(self) -> Settled:
        """Integrate until no guess was wrong."""
        drawn, energy = self._guess()
        sag = self._sag(drawn)
        self._warm(energy)
        motion = self._integrate(self.rows, sag)
        for _ in range(MOST_PASSES - 1):
            fresh = self._sag(motion.drawn)
            wrong = (np.abs(fresh - sag) > SLACK_VOLTS * self.rows.voltage).any(axis=0)
            wrong |= self._warm(motion.energy)
            wrong |= self._hand_over(motion)
            again = np.flatnonzero(wrong)
            if not len(again):
                break
            sag[:, again] = fresh[:, again]
            motion = motion.replaced(again, self._integrate(self.rows.take(again), sag[:, again]))
        cut_short, heating = np.isfinite(self.rows.stop), motion.energy / self.own.heat
        order = (self.hammer, self.before, self.after, self.first, self.steps, self.rank)
        return Settled(self.pulses, *order, cut_short, motion, self.warmth, heating)

    def _integrate(self, rows: Rows, sag: Floats) -> Motion:
        return integrate(rows, self.setting.source, sag, self.setting.step)

    def _guess(self) -> tuple[Floats, Floats]:
        """Return the current and heat of coils that are alone with the supply and never move."""
        ohm = self.own.resistance + self.own.fuse + self.setting.source
        rise = self.own.inductance / ohm
        tick = np.arange(int(self.steps.max(initial=0)))[:, None] + 0.5
        time = self.setting.step * (tick - self.rows.begin)
        drawn = self.rows.voltage / ohm * -np.expm1(-np.maximum(time, 0.0) / rise)
        drawn *= tick < self.rows.end
        energy = (drawn * drawn).sum(axis=0) * self.own.resistance * self.setting.step
        return drawn, energy

    def _sag(self, drawn: Floats) -> Floats:
        """Return the voltage lost to other coils, (steps, n)."""
        ghosts = self.ghosts.drawn
        count = ghosts.shape[1]
        if not count:
            return self.supply.sag(drawn)
        both = np.zeros((max(len(drawn), len(ghosts)), count + drawn.shape[1]))
        both[: len(ghosts), :count] = ghosts
        both[: len(drawn), count:] = drawn
        return self.supply.sag(both)[: len(drawn), count:]

    def _warm(self, energy: Floats) -> Bools:
        """Set resistances by the heat of each hammer's earlier pulses; tell which changed."""
        own = self.own
        cooling = own.heat * own.cooling
        since, after = self.carried.since.copy(), self.carried.warmth.copy()
        warmth = np.zeros(len(energy))
        for rows in self.ranks:
            place = self.hammer[rows]
            left = np.exp(-(self.start[rows] - since[place]) / cooling[rows])
            warmth[rows] = np.where(after[place] > 0.0, after[place], 0.0) * left
            since[place] = self.start[rows]
            after[place] = warmth[rows] + energy[rows] / own.heat[rows]
        wrong: Bools = np.abs(warmth - self.warmth) > SLACK_KELVIN
        self.warmth = warmth
        celsius = self.setting.ambient + warmth
        self.rows.resistance = own.resistance * (1.0 + COPPER * (celsius - COLD))
        return wrong

    def _hand_over(self, motion: Motion) -> Bools:
        """Begin pulses where their predecessors left the plunger; tell which begin elsewhere than before."""
        wrong = np.zeros(len(self.before), dtype=bool)
        early = np.flatnonzero(self.before >= 0)
        early = early[np.isfinite(self.rows.stop[self.before[early]])]
        source = self.before[early]
        for key, slack in zip(("current", "travel", "speed"), SLACK_STATE, strict=True):
            guess, real = getattr(self.rows, key), getattr(motion, key)[source]
            wrong[early] |= np.abs(guess[early] - real) > slack
            guess[early] = real
        return wrong
