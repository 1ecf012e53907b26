"""Loudness as docs/arranging.md states it, strike by strike: what the arranger's own is compared with."""

from __future__ import annotations

import math
from dataclasses import dataclass

from xylophone.arranger import Arrangement
from xylophone.tables import Priority

STEP = 10.9 / 126
"""dB from one velocity to the next."""


@dataclass
class Blow:
    """A strike, what it is written like, and in the end its velocity."""

    onset: float
    tune: bool
    again: bool
    decibels: float  # as written
    written: int  # velocity of its source
    part: tuple[int, int]  # track and channel of its source
    velocity: float = 0.0


def blows_of(arrangement: Arrangement) -> list[Blow]:
    """Return the strikes of an arrangement without their velocities."""
    song, carrier = arrangement.song.notes, arrangement.carrier.tolist()
    strikes = arrangement.notes
    first = {int(row["source"]): n for n, row in enumerate(strikes) if not row["again"]}
    carried: dict[int, list[float]] = {}
    for note, strike in enumerate(carrier):
        carried.setdefault(strike, []).append(float(song["loudness"][note]))
    blows = []
    for row in strikes:
        source, tune = int(row["source"]), row["priority"] == Priority.MELODY
        loudness = float(song["loudness"][source]) if tune else max(carried[first[source]])
        decibels = 40 * math.log10(max(loudness, 0.5) / 127) - 3.0 * bool(row["again"])
        part = int(song["track"][source]), int(song["channel"][source])
        written = int(song["velocity"][source])
        blows.append(Blow(float(row["onset"]), bool(tune), bool(row["again"]), decibels, written, part))
    return blows


def balance(blows: list[Blow], lead: float) -> float:
    """Give the strikes their velocities and return by how many the tune leads."""
    tune = [blow for blow in blows if blow.tune and not blow.again]
    others = [blow for blow in blows if not blow.tune]
    ahead = lead / STEP if tune and others else 0.0
    counted = tune or [blow for blow in blows if not blow.again]
    slope, offset = image(counted, others if tune else [], 1 + ahead)
    for blow in blows:
        blow.velocity = slope * blow.decibels + offset
    for blow in tune:
        blow.velocity = min(127.0, max(1.0 + ahead, blow.velocity))
    if ahead:
        lower(tune, others, ahead)
    for blow in blows:
        blow.velocity = min(127.0, max(1.0, blow.velocity))
    return ahead


def edges(blows: list[Blow]) -> tuple[float, float]:
    """Return the levels between which all but a hundredth at either end lie, 30 dB apart at most."""
    levels = sorted(blow.decibels for blow in blows)
    out = int(0.01 * (len(levels) - 1))
    return max(levels[out], levels[-1 - out] - 30), levels[-1 - out]


def loud(values: list[float]) -> float:
    """Return the value that 98 % stay below."""
    return sorted(values)[int(0.98 * (len(values) - 1))]


def image(counted: list[Blow], others: list[Blow], low: float) -> tuple[float, float]:
    """Return velocities a dB and the velocity of 0 dB."""
    soft, most = edges(counted)
    beside = edges(others)[1] - edges(others)[0] if others else 0.0
    levels = sorted(blow.decibels for blow in counted)
    middle = levels[(len(levels) - 1) // 2]
    plain = min(1 / STEP, (127 - low) / max(most - soft, 2.0))
    slope = plain
    place = max(loud([float(blow.written) for blow in voice]) for voice in (counted, others) if voice)
    centre = place - plain * (loud(levels) - middle)
    if most - soft >= 2:
        below = (centre - low) / max(middle - soft, 1e-6)
        slope = max(plain, min(1.5 * plain, (127 - low) / max(most - soft, beside), below))
    centre -= max(0.0, centre + slope * (most - middle) - 127)
    centre += max(0.0, low - (centre + slope * (soft - middle)))
    return slope, centre - slope * middle


def phrases(tune: list[Blow]) -> list[int]:
    """Return the phrase of each note of the tune."""
    holders: list[list[int]] = []
    for n, blow in enumerate(tune):
        if n and blow.part == tune[n - 1].part:
            holders[-1].append(n)
        else:
            holders.append([n])
    begins, holder = set(), None
    for run in holders:
        if len(run) >= 4:
            if holder is not None and tune[run[0]].part != holder:
                begins.add(run[0])
            holder = tune[run[0]].part
    number, found = 0, []
    for n, blow in enumerate(tune):
        number += n > 0 and (n in begins or blow.onset - tune[n - 1].onset > 1.5)
        found.append(number)
    return found


def lower(tune: list[Blow], others: list[Blow], ahead: float) -> None:
    """Lower accompaniment beneath the tune."""
    phrase, onsets = phrases(tune), [blow.onset for blow in tune]
    sounding, limits, over = [], [], {}
    for blow in others:
        note = max(0, sum(onset <= blow.onset for onset in onsets) - 1)
        soon = note + (note + 1 < len(tune) and onsets[note + 1] <= blow.onset + 0.03)
        limit = min(tune[note].velocity, tune[soon].velocity) - ahead
        sounding.append(note)
        limits.append(limit)
        over[note] = max(over.get(note, -math.inf), blow.velocity - limit)
    asked: dict[int, float] = {}
    for number in sorted({phrase[note] for note in over}):
        mine = sorted(value for note, value in over.items() if phrase[note] == number)
        asked[number] = max(0.0, mine[int(0.9 * (len(mine) - 1))])
    numbers = list(asked)
    between = {
        n: max(asked[n], min(asked[a], asked[b]))
        for a, n, b in zip(numbers, numbers[1:], numbers[2:], strict=False)
    }
    asked |= between
    for blow, note, limit in zip(others, sounding, limits, strict=True):
        more = blow.velocity - asked[phrase[note]] - limit
        if more > 0:
            more = ahead / 3 * (1 - math.exp(-more / (ahead / 3)))
        blow.velocity = limit + more
        width = min(1 / STEP, max(limit - 1, 1e-6))
        if blow.velocity < 1 + width:
            blow.velocity = 1 + width * math.exp((blow.velocity - 1 - width) / width)


def at_volume(velocity: float, lead: float, tune: bool, volume: float) -> float:
    """Return a velocity at a volume."""
    if volume < 1:
        left = min(lead, max(2.0 / STEP, 126 * volume))
        slope = max(0.0, 126 * volume - left) / (126 - lead)
        velocity = 1 + left + slope * (velocity - 1 - lead) if tune else 1 + slope * (velocity - 1)
    elif tune:
        velocity = 127 - (127 - velocity) / volume
    else:
        velocity = 127 - lead - (127 - lead - velocity) / volume
    return min(127.0, max(1.0, velocity))
