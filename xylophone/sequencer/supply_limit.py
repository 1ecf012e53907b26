"""The supply limit: the coils of one moment never draw more than the supply gives.

Pulses that overlap form clusters; only a cluster that passes the limit somewhere is looked at, chord
by chord in order of time: nearly all of a song never comes near the limit, and what is decided for an
earlier chord stands when a later one is looked at. A chord that does not fit beside what is there is
helped by the mildest thing that does: contacts moved by up to 3 ms, inner notes softened (their pulses are
shorter), the chord rolled, and at last its least important note dropped, and all of it tried again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from ..tables import Floats, Ints, Priority, Refusal
from .curves import Curves
from .draft import Draft, Recent
from .plan import PlanOptions, drawn

CHORD = 0.005
"""s; strikes closer than this are one chord: the ear takes them for one moment."""

GUARD = 0.0002
"""s kept free on both sides of a pulse that had to be fitted in, for what its width may still grow;
doubled each time that a cluster is looked at again."""

_STEPS = (0.0, 1 / 3, -1 / 3, 2 / 3, -2 / 3, 1.0, -1.0)  # of the shift that is allowed
_SPREADS = (1 / 3, 1 / 2, 2 / 3, 5 / 6, 1.0)  # of the spread that a roll is allowed


@dataclass(slots=True)
class Need:
    """One strike of a cluster: its pulse at a contact time, and how far that may be moved."""

    row: int
    contact: float
    latency: float
    width: float
    current: float
    priority: int
    level: float
    pitch: int  # place of its hammer
    earliest: float  # bounds of the contact: recovery of its hammer, and what was already committed
    latest: float
    fixed: bool
    soft: tuple[float, float, float] | None = None  # dB off, and the width and latency that go with it


@dataclass(slots=True, eq=False)
class Placed:
    """A pulse that has its place."""

    start: float
    end: float
    current: float
    need: Need
    contact: float = 0.0
    softened: float = 0.0  # dB


_SENT = Need(-1, 0.0, 0.0, 0.0, 0.0, 0, 0.0, -1, 0.0, 0.0, fixed=True)
"""Stands for the strike of a pulse of an earlier commit."""


def keep_supply(
    draft: Draft, recent: Recent, curves: Curves, options: PlanOptions, floor: float, guard: float
) -> bool:
    """Resolve every moment at which the coils would draw more than the supply gives; True if there was one.

    No pulse is moved before `floor`, where an earlier commit ended. With a `guard` of 0 pulses stay
    exactly where they are, and strikes are only dropped.
    """
    start, end, current = recent.beside_those_of(draft, curves)
    owner = np.concatenate((np.full(len(recent.start), -1), draft.played))
    order = np.argsort(start, kind="stable")
    start, end, current, owner = start[order], end[order], current[order], owner[order]
    over = drawn(start, end, current) > curves.supply_limit * (1 + 1e-9)
    if not over.any():
        return False
    earliest, latest = _room(draft, recent, curves)
    begins = np.append(True, start[1:] >= np.maximum.accumulate(end)[:-1])  # where nothing runs any more
    number = np.cumsum(begins) - 1
    for cluster in sorted(set(number[over].tolist())):
        low, high = np.searchsorted(number, (cluster, cluster + 1))
        rows, pulses = owner[low:high], (start[low:high], end[low:high], current[low:high])
        sent = zip(*(one[rows < 0].tolist() for one in pulses), strict=True)
        held = [Placed(begin, stop, amperes, _SENT) for begin, stop, amperes in sent]
        found = _Cluster(draft, curves, options, held, guard)
        found.resolve(found.needs(np.sort(rows[rows >= 0]), earliest, latest, floor))
    return True


def _room(draft: Draft, recent: Recent, curves: Curves) -> tuple[Floats, Floats]:
    """Return, for each strike, the earliest and latest contact that recovery of its hammer allows.

    Two strikes of a hammer may move towards each other without knowing of one another: so each has half of
    what is between them; the first has all that the last one sent has left.
    """
    played = draft.played
    order = played[np.argsort(draft.hammer[played].astype(np.uint8), kind="stable")]
    contact, hammer = (draft.time + draft.delayed)[order], draft.hammer[order]
    same = hammer[1:] == hammer[:-1]
    slack = np.full(len(order) + 1, np.inf)  # between a strike and the one before it, less recovery
    slack[1:-1][same] = (np.diff(contact) - curves.recovery[hammer[1:]])[same] / 2  # each may take half
    earliest, latest = np.full(len(draft.time), np.inf), np.full(len(draft.time), -np.inf)
    since = contact - (recent.contact + curves.recovery)[hammer]
    earliest[order] = contact - np.maximum(0.0, np.minimum(slack[:-1], since))
    latest[order] = contact + np.maximum(0.0, slack[1:])
    return earliest, latest


class _Cluster:
    """Pulses that overlap, being placed one chord after the other."""

    def __init__(
        self, draft: Draft, curves: Curves, options: PlanOptions, held: list[Placed], guard: float
    ) -> None:
        self.draft, self.curves, self.limit = draft, curves, curves.supply_limit * (1 + 1e-9)
        self.options = options if guard else PlanOptions(roll=False, shift=0.0, softening_db=0.0)
        self.guard = guard
        self.placed = held

    def needs(self, rows: Ints, earliest: Floats, latest: Floats, floor: float) -> list[Need]:
        """Return what the strikes of these rows need, as if nothing had been done for the supply yet."""
        draft, hammer = self.draft, self.draft.hammer[rows]
        contact, width, latency = (
            array[rows] for array in (draft.time + draft.moved, draft.width, draft.latency)
        )
        if self.guard:
            again = ~draft.settled[rows]
            contact = np.where(again, draft.time[rows] + draft.delayed[rows], contact)
            fresh = self._fitted(rows, draft.level[rows])
            width, latency = np.where(again, fresh[0], width), np.where(again, fresh[1], latency)
        pulse = (contact, latency, width, self.curves.current[hammer], draft.priority[rows])
        bounds = (np.maximum(earliest[rows], floor + latency), latest[rows], draft.settled[rows])
        lists = (column.tolist() for column in (rows, *pulse, draft.level[rows], hammer, *bounds))
        return [Need(*row) for row in zip(*lists, strict=True)]

    def resolve(self, needs: list[Need]) -> None:
        """Place all strikes (in order of musical time), and write down what it took."""
        self.placed += [_pulse(need, need.contact, False, 0.0) for need in needs if need.fixed]
        reach = self.curves.longest_latency + self.options.shift + self.guard
        for chord in _chords([need for need in needs if not need.fixed], self.draft):
            begin = self.draft.time[chord[0].row] - reach  # nothing that is still to be placed begins sooner
            self.placed = [pulse for pulse in self.placed if pulse.end > begin]
            self._place(chord)

    def _fitted(self, rows: Ints, level: Floats) -> tuple[Floats, Floats]:
        """Return width and latency of these rows at other levels, losses as they are."""
        draft, hammer = self.draft, self.draft.hammer[rows]
        response = self.curves.at(hammer, level)
        width = self.curves.bounded(hammer, response.width_at(draft.width_loss[rows], draft.rested[rows]))
        return width, response.latency_at(draft.loss[rows], draft.rested[rows])

    def _place(self, chord: list[Need]) -> None:
        """Place a chord by the mildest means; drop its least important strikes until one serves."""
        chord = sorted(chord, key=lambda need: (-need.priority, -need.level, -need.pitch))
        while chord:
            found = self._shifted(chord, False)
            if found is None and self.options.softening_db:
                found = self._softened(chord)
            rolled = False
            if found is None and self.options.roll and len(chord) > 1:
                found, rolled = self._rolled(chord), True
            if found is not None:
                self._write(found, rolled)
                self.placed += found
                return
            self._drop(chord)

    def _shifted(self, chord: list[Need], soft: bool) -> list[Placed] | None:
        """Find contacts within the shift that is allowed, the most important strikes first."""
        taken = list(self.placed)
        for need in chord:
            for step in _STEPS:
                contact = need.contact + step * (self.options.shift - abs(self.draft.delayed[need.row]))
                pulse = _pulse(need, contact, soft, self.guard)
                if (step == 0 or need.earliest <= contact <= need.latest) and self._fits(taken, pulse):
                    taken.append(pulse)
                    break
            else:
                return None
        return taken[len(self.placed) :]

    def _softened(self, chord: list[Need]) -> list[Placed] | None:
        """Soften inner strikes: first those placed before, whose pulses then end sooner, then its own."""
        begin = min(need.contact - need.latency for need in chord) - self.options.shift - self.guard
        before = [p for p in self.placed if not p.need.fixed and p.end > begin]
        self._soften([*chord, *(p.need for p in before)])
        hard = self.placed
        softer = [_pulse(p.need, p.contact, True, self.guard) for p in before if p.need.soft]
        self.placed = [p for p in hard if p not in before or p.need.soft is None] + softer
        found = self._shifted(chord, False) or self._shifted(chord, True)
        if found is None:
            self.placed = hard
        else:
            for pulse in softer:
                self.draft.softened[pulse.need.row] = pulse.softened
        return found

    def _rolled(self, chord: list[Need]) -> list[Placed] | None:
        """Spread the chord upwards from its lowest bar, as little as serves, softened if it must be."""
        upward = sorted(chord, key=lambda need: need.pitch)
        for soft, spread in product((False, True), _SPREADS):
            step = spread * self.options.roll_limit / (len(chord) - 1)
            taken = list(self.placed)
            for number, need in enumerate(upward):
                contact = min(need.contact + number * step, max(need.latest, need.contact))
                pulse = _pulse(need, contact, soft, self.guard)
                if not self._fits(taken, pulse):
                    break
                taken.append(pulse)
            else:
                return taken[len(self.placed) :]
        return None

    def _soften(self, chord: list[Need]) -> None:
        """Find what inner strikes need when they are as much softer as is allowed."""
        inner = [need for need in chord if need.priority == Priority.INNER and need.soft is None]
        if not inner:
            return
        rows = np.array([need.row for need in inner])
        level = self.draft.level[rows]
        lowest = self.curves.calibration.level[self.draft.hammer[rows], 0]
        softer = np.maximum(level - self.options.softening_db, lowest)
        for need, *soft in zip(inner, level - softer, *self._fitted(rows, softer), strict=True):
            need.soft = (float(soft[0]), float(soft[1]), float(soft[2]))

    def _drop(self, chord: list[Need]) -> None:
        """Refuse the least important strike of the chord, or a lesser one that was placed before it."""
        last = chord[-1]
        start, end = last.contact - last.latency, last.contact - last.latency + last.width
        rivals = [
            (pulse.need.priority, pulse.need.level, place)
            for place, pulse in enumerate(self.placed)
            if not pulse.need.fixed and pulse.need.priority < last.priority
            if pulse.start < end and start < pulse.end
        ]
        need = self.placed.pop(min(rivals)[2]).need if rivals else chord.pop()
        draft = self.draft
        draft.refused[need.row] = Refusal.SUPPLY
        draft.moved[need.row] = draft.softened[need.row] = 0.0
        draft.rolled[need.row] = False

    def _write(self, placing: list[Placed], rolled: bool) -> None:
        draft = self.draft
        for pulse in placing if self.guard else ():
            row = pulse.need.row
            draft.moved[row] = pulse.contact - draft.time[row]
            draft.rolled[row], draft.softened[row] = rolled, pulse.softened

    def _fits(self, taken: list[Placed], new: Placed) -> bool:
        """Tell whether the limit holds with one more pulse: when it starts, and when others start in it."""
        near = [p for p in taken if p.start < new.end and new.start < p.end]
        if sum(p.current for p in near) + new.current <= self.limit:
            return True
        for moment in (new.start, *(p.start for p in near if p.start > new.start)):
            if sum(p.current for p in near if p.start <= moment < p.end) + new.current > self.limit:
                return False
        return True


def _pulse(need: Need, contact: float, soft: bool, guard: float) -> Placed:
    """Return the pulse of a strike at a contact time, softened if it shall be and may be."""
    softened, width, latency = need.soft if soft and need.soft else (0.0, need.width, need.latency)
    start = contact - latency
    return Placed(start - guard, start + width + guard, need.current, need, contact, softened)


def _chords(needs: list[Need], draft: Draft) -> Iterator[list[Need]]:
    """Split strikes in order of musical time into chords."""
    chord: list[Need] = []
    for need in needs:
        if chord and draft.time[need.row] - draft.time[chord[0].row] > CHORD:
            yield chord
            chord = []
        chord.append(need)
    if chord:
        yield chord
