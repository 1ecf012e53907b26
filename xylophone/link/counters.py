"""What the board counts, over all its starts: STATUS replies in, news out."""

from __future__ import annotations

import math
from dataclasses import fields

from .messages import REFUSALS, TICK_RATE, StatusReply
from .news import LINK_BUSY, News, StrikesLate, StrikesRefused

STATUS_EVERY = 1.0
"""s between two looks at the counters, when nothing gives a reason for one."""

STATUS_SOON = 0.05
"""s between two looks at least."""

NONE = StatusReply(*(0 for _ in fields(StatusReply)))


class Counters:
    """Sums of the board's counters: those since its HELLO and all from before."""

    def __init__(self) -> None:
        self.now = NONE
        self.worst_late = 0.0  # s, the latest strike
        self.least_notice: float | None = None  # s from a strike's arrival to its start, at least
        self._before = {field.name: 0 for field in fields(StatusReply)}
        self._asked = -math.inf
        self._refused = 0  # as the clock's replies have it, 16 bits
        self._wanted = False

    def restart(self) -> None:
        """The board counts from 0 again."""
        self._before = {name: self.total(name) for name in self._before}
        self.now, self._refused = NONE, 0

    def total(self, name: str) -> int:
        """Return one counter over all starts of the board."""
        return self._before[name] + int(getattr(self.now, name))

    @property
    def refused(self) -> dict[str, int]:
        """Strikes that the board refused, by reason; late ones, and those of a board that is off, apart."""
        counts = {reason: self.total(reason) for reason in REFUSALS if reason not in ("late", "disarmed")}
        return {reason: count for reason, count in counts.items() if count}

    def hint(self, refused: int) -> None:
        """Take the low half of all refusals; another one than before is a reason to ask."""
        self._wanted |= refused != self._refused
        self._refused = refused

    def next_status(self) -> float:
        """Return when STATUS is to be asked for."""
        return self._asked + (STATUS_SOON if self._wanted else STATUS_EVERY)

    def ask(self, now: float) -> None:
        """Note that STATUS has been asked for."""
        self._asked, self._wanted = now, False

    def take(self, reply: StatusReply) -> list[News]:
        """Take new counts; return what has been refused since the last."""
        before, self.now = self.now, reply
        self.worst_late = max(self.worst_late, reply.worst_late / TICK_RATE)
        if reply.fired:
            notice = reply.least_notice / TICK_RATE
            self.least_notice = min(notice, self.least_notice or notice)
        news: list[News] = []
        for reason in REFUSALS:
            count = getattr(reply, reason) - getattr(before, reason)
            if count <= 0 or reason == "disarmed":
                continue
            late = reason == "late"
            by = reply.worst_late / TICK_RATE
            news.append(StrikesLate(count, by, LINK_BUSY) if late else StrikesRefused(reason, count))
        return news
