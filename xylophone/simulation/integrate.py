"""Integrates the equations of motion of many hammers side by side, one row for each pulse.

All rows share one grid of time steps, anchored at 0, so that the current which one coil takes from
the supply in a step is met by the others in the same step. A coil that goes on or off within a step
sees the mean voltage of that step. Currents are stepped by the trapezoidal rule, plungers by the
midpoint rule; both are of second order. Dry friction never turns a plunger round.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from ..tables import Floats, Ints
from .parameters import Hammers

STEP = 50e-6
"""s; twin.md's choice, checked against 10 us in a test."""

STIFFNESS = 5e6
"""N/m^1.5 of the contact of hammer and bar (Chaigne & Doutaut 1997)."""

HYSTERESIS = 0.6
"""s/m, lambda of the Hunt-Crossley contact: what is lost in the felt."""

BACKSTOP = 0.3
"""Restitution of plunger and backstop."""

SETTLED_SPEED = 0.02
"""m/s; a plunger that meets its backstop slower than this stays there."""

LONGEST_FLIGHT = 0.1
"""s after the end of its pulse at which every plunger is home; no hammer of any kind needs 60 ms."""

_COMPACT = 16  # steps between two looks for rows that are finished


@dataclass
class Rows:
    """What is integrated: n pulses of n plungers. Times are counted in steps from each row's first."""

    hammers: Hammers  # n rows
    voltage: Floats  # V, of the supply without load
    resistance: Floats  # ohm, of the coil as warm as it is
    friction: Floats  # N, on the way out, after the rest that it had; on the way back it is loose again
    begin: Floats  # coil on, 0..1 within the row's first step
    end: Floats  # coil off
    stop: Floats  # the hammer's next pulse takes over; inf where the plunger is home long before
    current: Floats  # A, at the beginning
    travel: Floats  # m
    speed: Floats  # m/s

    def __len__(self) -> int:
        return len(self.begin)

    def take(self, rows: Ints) -> Rows:
        """Return some rows as a copy."""
        return Rows(*(getattr(self, field.name)[rows] for field in fields(self)))


@dataclass
class Motion:
    """What came of n rows: contacts in order of time, and what is left at the end of each row."""

    contact_row: Ints
    contact_time: Floats  # in steps from the row's first
    contact_speed: Floats  # m/s
    touch: Floats  # s on the bar in all
    drawn: Floats  # (steps, n) mean current in A that each coil takes from the supply in each step
    energy: Floats  # J turned into heat in the coil
    current: Floats  # A, at `stop`
    travel: Floats  # m
    speed: Floats  # m/s

    def replaced(self, rows: Ints, part: Motion) -> Motion:
        """Return this motion with those rows, ascending, integrated anew as `part`."""
        kept = ~np.isin(self.contact_row, rows)
        self.drawn[: len(part.drawn), rows] = part.drawn
        for key in ("touch", "energy", "current", "travel", "speed"):
            getattr(self, key)[rows] = getattr(part, key)
        return replace(
            self,
            contact_row=np.concatenate((self.contact_row[kept], rows[part.contact_row])),
            contact_time=np.concatenate((self.contact_time[kept], part.contact_time)),
            contact_speed=np.concatenate((self.contact_speed[kept], part.contact_speed)),
        )


def integrate(rows: Rows, source: float, sag: Floats, step: float = STEP) -> Motion:
    """Return the motion of all rows.

    `source` is the resistance of the supply in ohm and `sag`, of shape (steps or more, n), the voltage
    that is lost by the current of other coils in each step.
    """
    march = _March(rows, source, step)
    most = int(np.ceil(rows.end.max(initial=0.0))) if len(rows) else 0
    for number in range(most + int(LONGEST_FLIGHT / step)):
        if (number % _COMPACT == 0 or number >= march.next_stop) and not march.compact(number):
            break
        march.advance(number, sag)
    return march.finished()


class _March:
    """The state of all rows that are not yet finished."""

    def __init__(self, rows: Rows, source: float, step: float) -> None:
        self.source, self.step = source, step
        count = len(rows)
        self.live = np.arange(count)
        self.touch, self.energy = np.zeros(count), np.zeros(count)
        self.drawn = np.zeros((int(np.ceil(rows.end.max(initial=0.0))), count))
        self.rows = rows
        self.last = rows.current.copy(), rows.travel.copy(), rows.speed.copy()
        self.heard: list[tuple[Ints, Floats, Floats]] = []
        self._lay_out(rows)

    def _lay_out(self, rows: Rows) -> None:
        """Compute what stays the same in every step of these rows."""
        h, step = rows.hammers, self.step
        self.begin, self.end, self.stop = rows.begin, rows.end, rows.stop
        self.next_stop = float(rows.stop.min(initial=np.inf))
        self.i, self.y, self.v = rows.current.copy(), rows.travel.copy(), rows.speed.copy()
        self.ohm, self.voltage = rows.resistance, rows.voltage
        self.feed = self.source + h.fuse  # ohm between the supply and a coil that is on
        self.half = step / (2.0 * h.inductance)
        self.push = step / h.inductance
        self.reach = h.air + h.stroke
        self.pull, self.gap, self.diode = h.pull.copy(), h.gap.copy(), h.diode.copy()
        drag = h.viscous * step / (2.0 * h.mass)
        self.fade = (1.0 - drag) / (1.0 + drag)
        self.kick = step / h.mass / (1.0 + drag)
        self.half_kick = 0.5 * self.kick
        self.spring, self.preload = h.spring * self.kick, h.preload * self.kick
        self.grip, self.loose = rows.friction * self.kick, h.friction * self.kick
        self.square = np.zeros(len(rows))  # A^2, of all steps since rows were last left out

    def compact(self, number: int) -> int:
        """Leave out rows that are finished; return how many are left."""
        over = self.stop <= number
        back = (self.i == 0.0) & (self.end <= number) & (self.v <= 0.0) & (self.y < self.gap)
        home = back & (np.isinf(self.stop) | ((self.y == 0.0) & (self.v == 0.0)))
        keep = np.flatnonzero(~(over | home))
        if len(keep) < len(self.live):
            self._write_back()
            self.live = self.live[keep]
            state = self.i[keep], self.y[keep], self.v[keep]
            self._lay_out(self.rows.take(self.live))
            self.i, self.y, self.v = state
        return len(keep)

    def _write_back(self) -> None:
        for whole, part in zip(self.last, (self.i, self.y, self.v), strict=True):
            whole[self.live] = part
        self.energy[self.live] += self.square * self.ohm * self.step

    def advance(self, number: int, sag: Floats) -> None:
        """Take one step of all live rows."""
        middle = self.y + (0.5 * self.step) * self.v
        inverse = 1.0 / (self.reach - middle)
        slope = self.pull * inverse * inverse
        current = self._coil(number, sag, slope)
        force = self.half_kick * slope * current * current - self.preload - self.spring * middle
        touching = (middle > self.gap).nonzero()[0]
        if len(touching):
            force[touching] -= self.kick[touching] * self._bar(middle, touching)
        speed = self.v * self.fade + force
        grip = np.where(speed > 0.0, self.grip, self.loose)
        self._move(number, np.copysign(np.maximum(np.abs(speed) - grip, 0.0), speed))

    def _coil(self, number: int, sag: Floats, slope: Floats) -> Floats:
        """Step the currents; return their mean over the step."""
        ohm = self.ohm + slope * self.v
        volt: Floats = -self.diode
        most = len(self.drawn)
        if number < most:
            on = np.minimum(np.maximum(self.end - number, 0.0), 1.0)
            if number == 0:
                on -= self.begin
            volt = on * (self.voltage - sag[number, self.live] + self.diode) - self.diode
            ohm += self.feed * on
        damp = self.half * ohm
        now = np.maximum((self.i * (1.0 - damp) + self.push * volt) / (1.0 + damp), 0.0)
        mean: Floats = 0.5 * (self.i + now)
        self.i = now
        self.square += mean * mean
        if number < most:
            self.drawn[number, self.live] = mean * on
        return mean

    def _bar(self, middle: Floats, touching: Ints) -> Floats:
        """Return the force in N with which the bar pushes the touching plungers back."""
        depth = middle[touching] - self.gap[touching]
        self.touch[self.live[touching]] += self.step
        felt = 1.0 + HYSTERESIS * self.v[touching]
        return np.asarray(STIFFNESS * depth * np.sqrt(depth) * np.maximum(felt, 0.0))

    def _move(self, number: int, speed: Floats) -> None:
        """Move the plungers; note who meets the bar, and stop who meets the backstop."""
        travel = self.y + (0.5 * self.step) * (self.v + speed)
        arrived = ((self.y < self.gap) & (travel >= self.gap)).nonzero()[0]
        if len(arrived):
            part = (self.gap[arrived] - self.y[arrived]) / (travel[arrived] - self.y[arrived])
            impact = self.v[arrived] + part * (speed[arrived] - self.v[arrived])
            self.heard.append((self.live[arrived], number + part, impact))
        low = (travel <= 0.0).nonzero()[0]
        if len(low):
            rebound = -BACKSTOP * np.minimum(speed[low], 0.0)
            speed[low] = np.where(rebound < SETTLED_SPEED, np.maximum(speed[low], 0.0), rebound)
            travel[low] = 0.0
        self.y, self.v = travel, speed

    def finished(self) -> Motion:
        """Return what came of all rows."""
        self._write_back()
        nothing = (np.empty(0, np.intp), np.empty(0), np.empty(0))
        row, time, speed = (np.concatenate(parts) for parts in zip(nothing, *self.heard, strict=True))
        return Motion(row, time, speed, self.touch, self.drawn, self.energy, *self.last)
