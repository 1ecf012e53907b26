"""The book against a plain one: a list of pulses, each looked at by itself, after any acts in any order."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from hypothesis import given, strategies as st

from counts import examples
from link.test_book import pulses
from xylophone.link.book import MARGIN, Book
from xylophone.link.sender import next_frame

TICK = 1 / 64
"""s; all times are multiples, so that what ends or starts just now happens often."""

CLOCKS = 128_000
"""Ticks of the board's clock a second, here: MARGIN is two TICKs."""


@dataclass
class Pulse:
    """A pulse and, once it is sent, the clock at which it starts."""

    start: float
    end: float
    clock: int | None = None


@dataclass
class PlainBook:
    """What Book counts, from the words of its methods."""

    held: list[Pulse] = field(default_factory=list)
    played: int = 0
    missed: int = 0
    cut: int = 0
    regained: int = 0
    overtaken: int = 0
    silenced: bool = False
    unsure: int = 0
    counted_before: int = 0
    missed_before: int = 0
    told_to: float = -np.inf

    def sent(self) -> list[Pulse]:
        return [pulse for pulse in self.held if pulse.clock is not None]

    def unsent(self) -> list[Pulse]:
        return [pulse for pulse in self.held if pulse.clock is None]

    def take(self, gone: list[Pulse]) -> int:
        self.held = [pulse for pulse in self.held if pulse not in gone]
        return len(gone)

    def take_back(self, after: float) -> tuple[int, int | None]:
        gone = [pulse for pulse in self.held if pulse.start >= after]
        self.silenced = False
        return self.take(gone), gone[0].clock if gone else None

    def silence(self, now: float) -> int:
        count = self.take([pulse for pulse in self.held if pulse.start > now])
        self.cut += self.take([pulse for pulse in self.sent() if pulse.end > now])
        self.silenced = True
        return count

    def confirm(self, clock: int, fired: int, now: float) -> None:
        self.told_to = clock - MARGIN
        known = self.played + self.cut - self.counted_before
        surely = known + sum(pulse.clock <= clock - MARGIN for pulse in self.sent())
        perhaps = known + sum(pulse.clock <= clock + MARGIN for pulse in self.sent())
        self.missed = self.missed_before + max(0, surely - fired)
        more = max(0, fired - perhaps)
        again = min(more, self.unsure)
        self.played, self.regained, self.unsure = (
            self.played + again,
            self.regained + again,
            self.unsure - again,
        )
        self.overtaken += more - again
        if self.silenced:
            self.cut += more - again
        else:
            self.played += more - again
        self.played += self.take(self.known_to_have_ended(now))

    def known_to_have_ended(self, now: float) -> list[Pulse]:
        return [pulse for pulse in self.sent() if pulse.end <= now and pulse.clock <= self.told_to]

    def restart(self, now: float, counts_on: bool) -> int:
        self.played += self.take(self.known_to_have_ended(now))
        lost = self.take([pulse for pulse in self.sent() if pulse.start < now])
        for pulse in self.held:
            pulse.clock = None
        self.unsure = self.unsure + lost if counts_on else 0
        if not counts_on:
            self.counted_before, self.missed_before = self.played + self.cut, self.missed
            self.told_to = -np.inf
        return lost

    def ended(self, now: float, heard: bool) -> int:
        over = [pulse for pulse in self.sent() if pulse.end <= now]
        return max(0, self.played + len(over if heard else self.known_to_have_ended(now)) - self.missed)


def one_act(rng: np.random.Generator, book: Book, plain: PlainBook, now: float, fired: int) -> int:
    """Do the same with both, drawn at random; return the strikes that the board has started by then."""
    act = rng.choice(
        ["add", "send", "send", "unsend", "drop", "back", "silence", "confirm", "confirm", "restart"]
    )
    moment = now + int(rng.integers(-3, 6)) * TICK
    if act == "add":
        first = max([now, *(pulse.start for pulse in plain.held)])
        starts = first + np.sort(rng.integers(0, 8, rng.integers(0, 5))) * TICK
        table = pulses(*starts.tolist())
        table["width"] = rng.integers(1, 4, len(starts)) * TICK
        book.add(table)
        plain.held += [Pulse(*row) for row in zip(starts, starts + table["width"], strict=True)]
    elif act == "send":
        waiting = plain.unsent()[: int(rng.integers(0, 5))]
        for pulse in waiting:
            pulse.clock = round(pulse.start * CLOCKS)
        book.sent(np.array([pulse.clock for pulse in waiting], np.int64))
    elif act == "unsend":
        last = plain.sent()[len(plain.sent()) - int(rng.integers(0, 1 + min(2, len(plain.sent())))) :]
        for pulse in last:
            pulse.clock = None
        book.unsend(len(last))
    elif act == "drop":
        late = [pulse for pulse in plain.unsent() if pulse.start < moment]
        assert book.drop_before(moment)["start"].tolist() == [pulse.start for pulse in late]
        plain.take(late)
    elif act == "back":
        assert book.take_back(moment) == plain.take_back(moment)
    elif act == "silence":
        assert book.silence(now) == plain.silence(now)
    elif act == "confirm":
        fired += int(rng.integers(0, 4))
        for each in (book, plain):
            each.confirm(round(now * CLOCKS), fired, now)
    else:
        counts_on = bool(rng.integers(2))
        assert book.restart(now, counts_on) == plain.restart(now, counts_on)
        fired = fired if counts_on else 0
    return fired


@examples(80)
@given(st.integers(0, 10**6))
def test_the_book_counts_what_the_plain_one_counts(seed: int) -> None:
    rng, book, plain, now, fired = np.random.default_rng(seed), Book(), PlainBook(), 1.0, 0
    for _ in range(40):
        now += int(rng.integers(0, 3)) * TICK
        fired = one_act(rng, book, plain, now, fired)
        assert book.pulses["start"].tolist() == [pulse.start for pulse in plain.held]
        assert book.clocks.dtype == np.int64
        assert book.clocks.tolist() == [pulse.clock for pulse in plain.sent()]
        for name in ("played", "missed", "cut", "regained", "overtaken"):
            assert getattr(book, name) == getattr(plain, name), name
        for heard in (False, True):
            assert book.ended(now, heard) == plain.ended(now, heard)


@given(st.integers(0, 10**6))
def test_pulses_share_a_tick_where_they_start_at_once_and_nowhere_else(seed: int) -> None:
    rng = np.random.default_rng(seed)
    starts = 1.0 + np.cumsum(rng.choice([0.0, 1e-7, 1e-6, 0.001], 30))
    book, clocks, last = Book(), [], None
    book.add(pulses(*starts.tolist()))
    while len(clocks) < 30:
        off = int(rng.integers(-4, 5))  # the fit changes from frame to frame
        frame = next_frame(book, 1.0, lambda time, off=off: 2e6 * time + off)
        for start, clock in zip(starts[len(clocks) :], frame.rows["clock"].tolist(), strict=False):
            if last is not None and start == last:
                assert clock == clocks[-1]
            else:
                assert clock == max(round(2e6 * start + off), clocks[-1] + 1 if clocks else 0)
            clocks, last = [*clocks, clock], start
