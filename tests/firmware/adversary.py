"""A host that means ill: patterns of strikes that try to keep a coil on for longer than was ordered.

A pattern is small data, so that the worst that a search has found is kept (worst_patterns.json).
"""

from __future__ import annotations

import ctypes
import random
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from firmware.emulated import CYCLES_PER_TICK, EmulatedBoard
from firmware.talk import CHANNELS, MS, Talk, strikes
from xylophone.link import messages as m
from xylophone.tables import Rows

MOST_STRIKES = 384
"""As the queue holds."""

FLOODS = ("none", "sync", "status", "cancel", "late", "mixed")
"""What fills the line meanwhile: nothing; questions; cancels of nothing; strikes that are refused."""

CYCLES_PER_US = 16
ENDED = 60 * MS
"""Cycles after the last strike by which every pulse must have ended and been told."""


@dataclass(frozen=True, slots=True)
class Chord:
    """Strikes that are meant to be one after the other: ticks, and widths in units of 2 us."""

    gap: int  # ticks since the chord before
    size: int
    channel: int  # of its first strike; the others follow
    width: int
    wider: int = 0  # each strike than the one before it
    stagger: int = 0  # ticks between its strikes


@dataclass(frozen=True, slots=True)
class Pattern:
    """What a host configures, orders, and does to the line meanwhile."""

    longest: int  # units of 2 us
    rest: int
    simultaneous: int
    flood: str
    notice: int  # ticks from the arrival of the last strike to the first
    cancel: int  # ticks after the first strike from which all is taken back; 0 for never
    chords: tuple[Chord, ...]

    @classmethod
    def of(cls, row: dict[str, object]) -> Pattern:
        """Return the pattern that `row()` gave."""
        chords = tuple(Chord(*chord) for chord in row["chords"])  # type: ignore[attr-defined]
        return cls(**{**row, "chords": chords})  # type: ignore[arg-type]

    def row(self) -> dict[str, object]:
        """Return the pattern as plain data."""
        return {**asdict(self), "chords": [list(asdict(chord).values()) for chord in self.chords]}

    def strikes(self, first: int) -> Rows:
        """Return the strikes in order of time, the first one at a tick."""
        rows, begin = [], first
        for chord in self.chords:
            begin += chord.gap
            for n in range(chord.size):
                width = min(max(chord.width + n * chord.wider, 50), self.longest)
                rows.append((begin + n * chord.stagger, (chord.channel + n) % CHANNELS, width))
        return strikes(sorted(rows[:MOST_STRIKES]))


@dataclass(frozen=True, slots=True)
class Found:
    """What a pattern did to a board."""

    beyond_us: float  # the longest pulse beyond its order; below 0 when all were shorter
    astray_us: float  # the farthest that a coil went on from the time that was ordered
    slowest_us: float  # the longest core_poll
    stuck: bool  # a healthy board was taken for a stuck one
    fired: int

    @property
    def harm(self) -> float:
        """How near to what must never be: 1 is the bound of the worst of them."""
        return max(self.beyond_us / 32, self.astray_us / 17, self.slowest_us / 1000, 1000.0 * self.stuck)


def any_chord(chance: random.Random, longest: int, rest: int) -> Chord:
    """Return a chord; its gap may be what lets the same coils go on again at the least rest."""
    width = chance.choice([longest, longest, chance.randint(50, longest), 50])
    gaps = [
        4 * (width + rest) + chance.randint(-70, 10),
        chance.randint(0, 400),
        chance.randint(600, 3_000),
        round(10 ** chance.uniform(1, 4.5)),
    ]
    return Chord(
        gap=chance.choice(gaps),
        size=chance.choice([30, 30, chance.randint(1, 30), 8]),
        channel=chance.choice([0, chance.randrange(CHANNELS)]),
        width=width,
        wider=chance.choice([0, 0, 16, -16, chance.randint(-60, 60)]),
        stagger=chance.choice([0, 0, 33, 64, chance.randint(0, 100)]),
    )


def any_pattern(chance: random.Random) -> Pattern:
    """Return a pattern at random."""
    longest = chance.choice([500, 600, 1000, 4000, chance.randint(60, 8_000)])
    rest = chance.choice([m.LEAST_REST_UNITS, m.LEAST_REST_UNITS, chance.randint(1_000, 4_000)])
    one = any_chord(chance, longest, rest)
    chords = [one if chance.random() < 0.5 else any_chord(chance, longest, rest) for _ in range(15)]
    return Pattern(
        longest=longest,
        rest=rest,
        simultaneous=chance.choice([30, 30, 8, chance.randint(1, 30)]),
        flood=chance.choice(FLOODS),
        notice=chance.choice([20_000, chance.randint(200, 20_000)]),
        cancel=chance.choice([0, 0, chance.randint(1, 40_000)]),
        chords=tuple(chords[: chance.randint(1, 15)]),
    )


def varied(chance: random.Random, pattern: Pattern) -> Pattern:
    """Return a pattern with one or two things changed."""
    for _ in range(chance.choice([1, 1, 2])):
        fresh, place = any_pattern(chance), chance.randrange(len(pattern.chords))
        chords = list(pattern.chords)
        what = chance.randrange(6)
        if what == 0:
            key = chance.choice(["simultaneous", "flood", "notice", "cancel", "longest"])
            pattern = replace(pattern, **{key: getattr(fresh, key)})
        elif what == 1:
            chords[place:place] = [chords[place]] * chance.randint(1, 4)
        elif what == 2 and len(chords) > 1:
            del chords[place]
        elif what == 3:
            chords[place] = any_chord(chance, pattern.longest, pattern.rest)
        else:
            key = chance.choice(["gap", "width", "wider", "stagger", "size", "channel"])
            value = getattr(any_chord(chance, pattern.longest, pattern.rest), key)
            near = getattr(chords[place], key) + chance.randint(-8, 8)
            near = max(near, {"size": 1, "width": 50}.get(key, -60 if key == "wider" else 0))
            chords[place] = replace(chords[place], **{key: chance.choice([value, near])})
        pattern = replace(pattern, chords=tuple(chords[:20]))
    return pattern


def attack(library: ctypes.CDLL, image: Path, pattern: Pattern) -> Found:
    """Try a pattern on a board fresh from reset."""
    board = EmulatedBoard(library, image)
    try:
        talk = Talk(board)
        talk.begin(
            longest_ms=pattern.longest / 500, rest_ms=pattern.rest / 500, simultaneous=pattern.simultaneous
        )
        count = len(pattern.strikes(0))
        first = talk.clock + 600 * count + 2_000 + pattern.notice  # 8 strikes take 4,700 ticks of the line
        table = pattern.strikes(first)
        end = _play(talk, pattern, table)
        talk.run(end)
        return _found(talk, table)
    finally:
        board.close()


def _play(talk: Talk, pattern: Pattern, table: Rows) -> int:
    """Send it all; return the cycle by which it is over."""
    free = talk.board.cycle
    for begin in range(0, len(table), m.STRIKES_IN_FRAME):
        free = talk.send(m.StrikesMessage(table[begin : begin + m.STRIKES_IN_FRAME]))
        talk.run(max(talk.board.cycle, free - 4 * MS))
    end = int(talk.cycle(int(table["clock"].max()))) + 8 * 4 * pattern.longest
    at = int(talk.cycle(int(table["clock"][0]))) + CYCLES_PER_TICK * pattern.cancel
    number = 0
    while free < end:
        if pattern.cancel and free > at - 10_000:
            free = talk.send(m.Cancel((free - talk.zero) // CYCLES_PER_TICK % 2**32), at)
            at = end + 100_000
        if pattern.flood == "none":
            free += MS
        else:
            free = talk.send(_nuisance(pattern.flood, number, talk))
        number += 1
        talk.run(max(talk.board.cycle, free - 4 * MS))
    return end + ENDED


def _nuisance(flood: str, number: int, talk: Talk) -> m.Message:
    if flood == "mixed":
        flood = FLOODS[1 + number % 4]
    if flood == "sync":
        return m.Sync(number % 65536)
    if flood == "status":
        return m.Status()
    far = (talk.clock + 2_000_000) % 2**32
    if flood == "cancel":
        return m.Cancel(far)
    return m.StrikesMessage(strikes([(far - 2_100_000, n, 60) for n in range(8)]))


def _found(talk: Talk, table: Rows) -> Found:
    status = talk.status()
    reply = talk.last(m.SyncReply, m.Sync(1))
    stuck = status.forced > 0 or m.BoardFault(reply.fault) is m.BoardFault.STUCK
    beyond, astray = [-1e6], [0.0]
    began: dict[int, int] = {}
    clocks = table["clock"].astype(np.int64)
    for cycle, channel, on in talk.board.channel_edges().tolist():
        if on:
            began[channel] = cycle
            continue
        start = began.pop(channel)
        away = np.where(
            table["channel"] == channel, np.abs(clocks - (start - talk.zero) / CYCLES_PER_TICK), np.inf
        )
        astray.append(float(away.min()) / 2)
        ordered = table["width"][away <= max(away.min(), m.GRID)]
        beyond.append((cycle - start) / CYCLES_PER_US - 2.0 * int(ordered.max()))
    if began:
        beyond.append(1e6)
    return Found(max(beyond), max(astray), status.slowest_loop / 2, stuck, status.fired)
