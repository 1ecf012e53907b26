"""A plan in the making: one array for each property of the strikes, sorted by musical time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..tables import Bools, Floats, Ints, Planned, Refusal
from .curves import Curves
from .state import CoilState, Groups, by_hammer, decayed

SENT = int(Refusal.NONE)
"""In `refused` of what is sent; a bare number, since numpy is slow with members of an enumeration."""

ROUNDS = 6
"""Widths change the sag which changes widths: at most so many rounds, seldom more than three."""

LESS = 0.25
"""dB by which the level of a strike is lowered until its hammer can do it."""

SETTLED = 1e-6
"""s; a change of width too small for another round."""


class Draft:
    """Strikes on their way to a plan; every array has one value for each strike.

    `rows` are the plan's rows: what goes in stays, what is decided is filled in at the end. Those that are
    `settled` were decided in an earlier commit and are left as they are; the others begin undecided.
    """

    def __init__(self, rows: Planned, settled: Bools, curves: Curves) -> None:
        self.rows, self.settled = rows, settled
        self.time: Floats = rows["time"].copy()
        self.hammer: Ints = rows["hammer"].astype(np.intp)
        self.level = curves.level(self.hammer, rows["velocity"].astype(np.float64))  # before softening
        self.priority: Ints = rows["priority"].copy()
        self.moved, self.softened, self.rolled = (
            np.where(settled, rows[key], 0) for key in ("moved", "softened", "rolled")
        )
        self.refused = np.zeros(len(rows), np.uint8)
        self.delayed = self.moved.copy()  # re-timing by recovery alone; `moved` is all of it
        self.width: Floats
        self.width, self.latency = np.zeros((2, len(rows)))
        self.width_loss, self.loss = np.zeros((2, len(rows)))  # drive losses that these two see
        self.rested = np.ones(len(rows))
        self.ready: dict[int, float] = {}

    @property
    def start(self) -> Floats:
        """When each coil goes on."""
        return self.time + self.moved - self.latency

    @property
    def played(self) -> Ints:
        """The strikes that are not refused."""
        return np.asarray((self.refused == SENT).nonzero()[0])

    def target(self, curves: Curves) -> Floats:
        """The level each strike shall have: as asked, less softening, within what its hammer can do."""
        lowest = curves.calibration.level[self.hammer, 0]
        return np.asarray(np.maximum(self.level - self.softened, lowest))

    def fit(self, curves: Curves, state: CoilState, recent: Recent) -> None:
        """Find width and latency of every strike played, under the sag, warmth and rest it will meet."""
        self.response = curves.at(self.hammer, self.target(curves))
        self._apply(curves)
        played = self.played
        order, _, groups = by_hammer(self.hammer[played])
        sequence = played[order]  # by hammer, then time
        for _ in range(ROUNDS):
            warmth = self._remember(sequence, groups, curves, state)
            self.width_loss[played], self.loss[played] = recent.sag(self, curves) + warmth[played]
            before = self.width
            if len(weak := self._apply(curves)):
                self._settle_for_less(weak, curves)
            if not len(played) or np.abs(self.width - before).max() < SETTLED:
                return

    def _settle_for_less(self, rows: Ints, curves: Curves) -> None:
        """Lower the level of strikes whose pulse would have to be longer than their hammer allows.

        A weak hammer that has rested, under a large chord, would miss if it got the longest pulse and
        no more; a softer blow that it can do is heard.
        """
        lowest = curves.calibration.level[self.hammer, 0] + self.softened
        rows = rows[(self.refused[rows] == SENT) & ~self.settled[rows]]
        changed = len(rows) > 0
        while len(rows := rows[self.level[rows] > lowest[rows]]):
            self.level[rows] = np.maximum(self.level[rows] - LESS, lowest[rows])
            response = curves.at(self.hammer[rows], self.level[rows] - self.softened[rows])
            needed = response.width_at(self.width_loss[rows], self.rested[rows])
            rows = rows[needed > curves.longest[self.hammer[rows]]]
        if changed:
            self.response = curves.at(self.hammer, self.target(curves))
            self._apply(curves)

    def _remember(self, sequence: Ints, groups: Groups, curves: Curves, state: CoilState) -> Floats:
        """Set how rested each hammer is; return the drive loss of its coil's warmth."""
        terms, warmth = curves.calibration.warmth, np.zeros(len(self.time))
        start, width = self.start[sequence], self.width[sequence]
        before = np.empty(len(sequence))
        before[1:] = (start + width)[:-1]
        before[groups.first] = state.end[groups.hammer]
        rest = np.maximum(0.0, start - before)
        self.rested[sequence] = -np.expm1(-rest / curves.calibration.rest_time)
        if terms.per_second:
            amounts = width * terms.per_second
            kelvin = decayed(start, amounts, groups, terms.time_constant, state.start, state.warmth)
            warmth[sequence] = kelvin * terms.loss_per_kelvin
        return warmth

    def _apply(self, curves: Curves) -> Ints:
        """Work out widths and latencies; return the strikes that would need more than the longest pulse."""
        needed = self.response.width_at(self.width_loss, self.rested)
        self.width = curves.bounded(self.hammer, needed)
        latency = self.response.latency_at(self.loss, self.rested)
        self.latency = np.minimum(np.maximum(latency, 0.0), curves.longest_latency)
        return (needed > self.width).nonzero()[0]

    def finished(self) -> Planned:
        """Return the rows, filled in."""
        rows, sent = self.rows, self.refused == SENT
        rows["moved"] = np.where(sent, self.moved, 0.0)
        rows["start"] = np.where(sent, self.start, np.nan)
        rows["width"] = np.where(sent, self.width, 0.0)
        rows["softened"] = np.where(sent, self.softened, 0.0)
        rows["rolled"] = self.rolled & sent
        rows["refused"] = self.refused
        rows["level"] = self.level - rows["softened"]
        return rows


@dataclass(frozen=True)
class Recent:
    """Pulses of earlier commits that may still run: their supply current is met by the new ones."""

    start: Floats
    end: Floats
    current: Floats
    contact: Floats  # of each hammer's last strike, -inf where there is none

    def beside_those_of(self, draft: Draft, curves: Curves) -> tuple[Floats, Floats, Floats]:
        """Return start, end and current of these pulses and, behind them, of all that a draft plays."""
        played = draft.played
        start = draft.start[played]
        return (
            np.concatenate((self.start, start)),
            np.concatenate((self.end, start + draft.width[played])),
            np.concatenate((self.current, curves.current[draft.hammer[played]])),
        )

    def sag(self, draft: Draft, curves: Curves) -> Floats:
        """Return the drive losses by other coils, (2, n), that width and latency of what is played meet."""
        supply = curves.calibration.supply
        start, end, current = self.beside_those_of(draft, curves)
        since = len(self.start)
        most = np.maximum(0.0, curves.supply_limit - current[since:])  # what others can draw at the end
        return np.asarray(supply.per_ampere * np.minimum(supply.beside(start, end, current, since), most))
