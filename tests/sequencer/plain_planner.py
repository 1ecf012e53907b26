"""The rules of the planner once more, one strike after the other: for curves without sag, warmth and rest.

Nothing here is quick or sparing. Every pulse that was ever sent counts at every moment, and no two
strikes are looked at together that the rules do not name together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from xylophone.calibration.values import Calibration
from xylophone.instrument import Instrument
from xylophone.sequencer import PlanOptions
from xylophone.tables import Priority, Refusal, Strikes

CHORD, GUARD, ATTEMPTS = 0.005, 0.0002, 4
STEPS = (0.0, 1 / 3, -1 / 3, 2 / 3, -2 / 3, 1.0, -1.0)
SPREADS = (1 / 3, 1 / 2, 2 / 3, 5 / 6, 1.0)
NOTHING = PlanOptions(roll=False, shift=0.0, softening_db=0.0)


@dataclass(eq=False)
class Item:
    """A strike and what was decided of it."""

    time: float
    hammer: int
    velocity: float
    priority: int
    source: int
    level: float = 0.0
    delayed: float = 0.0
    moved: float = 0.0
    softened: float = 0.0
    rolled: bool = False
    refused: int = Refusal.NONE
    ready: float = math.nan
    settled: bool = False
    latency: float = 0.0
    width: float = 0.0

    @property
    def start(self) -> float:
        """When the coil goes on."""
        return self.time + self.moved - self.latency

    def decide_nothing(self) -> None:
        """Forget what was decided, but for what is settled."""
        if not self.settled:
            self.moved = self.softened = 0.0
            self.rolled, self.refused, self.ready = False, Refusal.NONE, math.nan
        self.delayed = self.moved


@dataclass(eq=False)
class Pulse:
    """What draws current, from `on` to `off`; of an item that may still be changed, or of none."""

    on: float
    off: float
    current: float
    item: Item | None = None
    contact: float = 0.0
    softer: bool = False


@dataclass
class PlainPlanner:
    """Strikes in, decided items out, as Planner has it."""

    instrument: Instrument
    calibration: Calibration
    options: PlanOptions
    sent: list[Item] = field(default_factory=list)
    pending: list[Item] = field(default_factory=list)
    horizon: float = -math.inf

    def add(self, strikes: Strikes) -> None:
        for time, velocity, source, hammer, priority in strikes.tolist():
            level = -20 + 20 * (velocity - 1) / 126
            self.pending.append(Item(time, hammer, velocity, priority, source, level))
        self.pending.sort(key=lambda item: item.time)

    def rewind(self, moment: float) -> list[Item]:
        back = [item for item in self.sent if item.start >= moment]
        self.sent = [item for item in self.sent if item.start < moment]
        back, self.pending = sorted([*back, *self.pending], key=lambda item: item.time), []
        self.horizon = min(self.horizon, moment)
        return back

    def commit(self, horizon: float, now: float = -math.inf) -> list[Item]:
        self.horizon = max(self.horizon, now)
        self.plan()
        begins = {item: item.time - 24 / 1024 if item.refused else item.start for item in self.pending}
        due = [item for item in self.pending if begins[item] < horizon]
        for chord in self.chords():
            if any(begins[item] - max(0.0, item.moved) < horizon for item in chord):
                for item in chord:
                    item.settled = True
                due += [item for item in chord if item.refused and item not in due]
        due.sort(key=self.pending.index)
        self.pending = [item for item in self.pending if item not in due]
        end = max(begins.values(), default=-math.inf) if math.isinf(horizon) else horizon
        self.horizon = max(self.horizon, end)
        self.sent += [item for item in due if not item.refused]
        return due

    def chords(self) -> Iterator[list[Item]]:
        """Strikes of which each comes at most CHORD after the one before it."""
        chord: list[Item] = []
        for item in self.pending:
            if chord and item.time - chord[-1].time > CHORD:
                yield chord
                chord = []
            chord.append(item)
        yield chord

    def plan(self) -> None:
        for item in self.pending:
            item.decide_nothing()
        self.recover(self.options.shift)
        self.fit()
        self.hurry()
        for attempt in range(ATTEMPTS):
            crowded = self.spare(GUARD * 2**attempt, self.options)
            if not self.cool() and not crowded:
                return
            self.fit()
        self.spare(0.0, NOTHING)
        self.cool()

    def played(self) -> list[Item]:
        return [item for item in self.pending if not item.refused]

    def fit(self) -> None:
        for item in self.played():
            item.width, item.latency = self.response(item, item.softened)

    def response(self, item: Item, softened: float) -> tuple[float, float]:
        """Return width and latency: straight lines from -20 to 0 dB."""
        part = (max(item.level - softened, -20.0) + 20.0) / 20.0
        latency = self.calibration.latency[item.hammer, 0]
        return (8 + 8 * part) / 1024, latency - 8 * part / 1024

    def recovery(self, item: Item) -> float:
        return self.instrument.hammers[item.hammer].recovery

    def before(self, item: Item) -> float:
        """When the hammer was struck last by what has been sent."""
        mine = [old for old in self.sent if old.hammer == item.hammer]
        return max((old.time + old.moved for old in mine), default=-math.inf)

    def recover(self, shift: float) -> None:
        for hammer in range(len(self.instrument)):
            kept: list[Item] = []
            for item in [item for item in self.played() if item.hammer == hammer]:
                self.recover_one(item, kept, shift)

    def recover_one(self, item: Item, kept: list[Item], shift: float) -> None:
        pause, time = self.recovery(item), item.time + item.moved
        contacts = [self.before(item), *(old.time + old.moved for old in kept)]
        ready = contacts[-1] + pause
        if item.settled or time >= ready - shift:
            if not item.settled and ready > time:
                item.delayed = item.moved = ready - time
            kept.append(item)
        elif (
            kept
            and not kept[-1].settled
            and item.priority > kept[-1].priority
            and time >= contacts[-2] + pause
        ):
            self.refuse(kept.pop(), Refusal.RECOVERY, time + pause)
            kept.append(item)
        else:
            self.refuse(item, Refusal.RECOVERY, ready)

    def refuse(self, item: Item, why: Refusal, ready: float = math.nan) -> None:
        item.refused, item.ready = why, ready
        item.delayed = item.moved = item.softened = 0.0
        item.rolled = False

    def hurry(self) -> None:
        """Move by up to the shift what would begin too early, refuse what would begin earlier still."""
        moved = False
        for item in self.played():
            behind = 0.0 if item.settled else self.horizon - item.start
            if behind > self.options.shift:
                self.refuse(item, Refusal.LATE)
            elif behind > 0:
                item.delayed += behind
                item.moved, moved = item.delayed, True
        if moved:
            self.recover(0.0)

    def cool(self) -> bool:
        hot = False
        for place, hammer in enumerate(self.instrument.hammers):
            used, last = 0.0, -math.inf
            for item in [i for i in (*self.sent, *self.played()) if i.hammer == place]:
                left = max(0.0, used - hammer.refill * (item.start - last)) if used else 0.0
                if item in self.sent or item.settled or left + item.width <= hammer.capacity:
                    used, last = left + item.width, item.start
                else:
                    self.refuse(item, Refusal.HEAT)
                    hot = True
        return hot

    def spare(self, guard: float, options: PlanOptions) -> bool:
        """Resolve every run of overlapping pulses in which the limit is passed."""
        hammers = self.instrument.hammers
        pulses = [
            Pulse(item.start, item.start + item.width, hammers[item.hammer].current, item)
            for item in (*self.sent, *self.played())
        ]
        pulses.sort(key=lambda pulse: pulse.on)
        bounds = {item: self.room(item) for item in self.played()}
        runs: list[list[Pulse]] = []
        for pulse in pulses:
            if not runs or pulse.on >= max(old.off for old in runs[-1]):
                runs.append([])
            runs[-1].append(pulse)
        crowded = [run for run in runs if any(self.draws(run, p.on) > self.limit for p in run)]
        for run in crowded:
            Crowd(self, run, bounds, guard, options).resolve()
        return bool(crowded)

    @property
    def limit(self) -> float:
        return self.instrument.supply_limit * (1 + 1e-9)

    @staticmethod
    def draws(pulses: list[Pulse], moment: float) -> float:
        return math.fsum(pulse.current for pulse in pulses if pulse.on <= moment < pulse.off)

    def room(self, item: Item) -> tuple[float, float]:
        """Half of what each neighbour on the hammer leaves; all of it where the neighbour has been sent."""
        mine = [other for other in self.played() if other.hammer == item.hammer]
        place, contact, pause = mine.index(item), item.time + item.delayed, self.recovery(item)
        least, most = self.before(item) + pause, math.inf
        if place:
            least = (contact + mine[place - 1].time + mine[place - 1].delayed + pause) / 2
        if place + 1 < len(mine):
            most = (contact + mine[place + 1].time + mine[place + 1].delayed - pause) / 2
        return min(least, contact), max(most, contact)


class Crowd:
    """Pulses that overlap and are too many: placed again, chord after chord."""

    def __init__(
        self,
        planner: PlainPlanner,
        run: list[Pulse],
        bounds: dict[Item, tuple[float, float]],
        guard: float,
        options: PlanOptions,
    ) -> None:
        self.planner, self.bounds, self.guard, self.options = planner, bounds, guard, options
        self.fixed = [pulse for pulse in run if pulse.item in planner.sent]
        rows = [item for item in planner.pending if item in [pulse.item for pulse in run]]
        self.fixed += [pulse for pulse in run if pulse.item in rows and pulse.item.settled]
        self.waiting = [item for item in rows if not item.settled]
        self.placed = list(self.fixed)

    def contact(self, item: Item) -> float:
        return item.time + (item.delayed if self.guard else item.moved)

    def resolve(self) -> None:
        while self.waiting:
            first = self.waiting[0].time
            chord = [item for item in self.waiting if item.time - first <= CHORD]
            del self.waiting[: len(chord)]
            chord.sort(key=lambda item: (-item.priority, -item.level, -item.hammer))
            while chord and not self.place(chord):
                self.drop(chord)

    def place(self, chord: list[Item]) -> bool:
        found, rolled = self.shifted(chord, self.placed, False), False
        if not found and self.options.softening_db:
            found = self.softened(chord)
        if not found and self.options.roll and len(chord) > 1:
            found, rolled = self.rolled(chord), True
        if found and self.guard:
            for pulse in found:
                item = pulse.item
                item.moved, item.rolled = pulse.contact - item.time, rolled
                item.softened = self.less(item) if pulse.softer else 0.0
        self.placed += found
        return bool(found)

    def less(self, item: Item) -> float:
        inner = item.priority == Priority.INNER
        return min(self.options.softening_db, item.level + 20.0) if inner else 0.0

    def pulse(self, item: Item, contact: float, softer: bool) -> Pulse:
        before = 0.0 if self.guard else item.softened
        width, latency = self.planner.response(item, self.less(item) if softer else before)
        on, current = contact - latency, self.planner.instrument.hammers[item.hammer].current
        return Pulse(on - self.guard, on + width + self.guard, current, item, contact, softer)

    def fits(self, placed: list[Pulse], new: Pulse) -> bool:
        near = [new, *(p for p in placed if p.on < new.off and new.on < p.off)]
        moments = [p.on for p in near if new.on <= p.on]
        return all(self.planner.draws(near, moment) <= self.planner.limit for moment in moments)

    def shifted(self, chord: list[Item], placed: list[Pulse], softer: bool) -> list[Pulse]:
        found: list[Pulse] = []
        for item in chord:
            least, most = self.bounds[item]
            contact = self.contact(item)
            latency = self.planner.response(item, 0.0)[1]
            least = max(least, self.planner.horizon + latency)
            for step in STEPS:
                new = contact + step * (self.options.shift - abs(item.delayed))
                pulse = self.pulse(item, new, softer)
                if (step == 0 or least <= new <= most) and self.fits([*placed, *found], pulse):
                    found.append(pulse)
                    break
            else:
                return []
        return found

    def softened(self, chord: list[Item]) -> list[Pulse]:
        """Soften inner strikes that may reach into this chord; if that is not enough, its own too."""
        starts = [self.contact(item) - self.planner.response(item, 0.0)[1] for item in chord]
        begin = min(starts) - self.options.shift - self.guard
        softer = [
            self.pulse(p.item, p.contact, True)
            if p not in self.fixed and p.off > begin and p.item.priority == Priority.INNER
            else p
            for p in self.placed
        ]
        found = self.shifted(chord, softer, False) or self.shifted(chord, softer, True)
        if found:
            self.placed = softer
            for pulse in softer:
                if pulse.softer:
                    pulse.item.softened = self.less(pulse.item)
        return found

    def rolled(self, chord: list[Item]) -> list[Pulse]:
        upward = sorted(chord, key=lambda item: item.hammer)
        for softer in (False, True):
            for spread in SPREADS:
                step, found = spread * self.options.roll_limit / (len(chord) - 1), []
                for number, item in enumerate(upward):
                    contact = self.contact(item)
                    most = max(self.bounds[item][1], contact)
                    pulse = self.pulse(item, min(contact + number * step, most), softer)
                    if not self.fits([*self.placed, *found], pulse):
                        break
                    found.append(pulse)
                else:
                    return found
        return []

    def drop(self, chord: list[Item]) -> None:
        last = chord[-1]
        width, latency = self.planner.response(last, 0.0 if self.guard else last.softened)
        begin = self.contact(last) - latency
        rivals = [
            pulse
            for pulse in self.placed
            if pulse not in self.fixed and pulse.item.priority < last.priority
            if pulse.on < begin + width and begin < pulse.off
        ]
        if not rivals:
            self.planner.refuse(chord.pop(), Refusal.SUPPLY)
            return
        least = min(rivals, key=lambda pulse: (pulse.item.priority, pulse.item.level))
        self.placed.remove(least)
        self.planner.refuse(least.item, Refusal.SUPPLY)
