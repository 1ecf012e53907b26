"""The record: what was planned while the player played, so that it can be set beside what was heard."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..errors import OptionError, PlayerError
from ..performance.performance import Performance
from ..sequencer import Plan
from ..tables import PLANNED, Hits, Ints, Planned, Refusal, as_planned, copied, joined, picked
from ..words import counted

RECENT = 64
"""Commits that a command can reach back to; far more than a lookahead holds."""


@dataclass(frozen=True, eq=False)
class Committed:
    """The rows of one commit that stand, each with its number among all rows of the planner."""

    rows: Planned
    numbers: Ints
    ready: Mapping[int, float]  # by number


class Record:
    """Keeps the rows (dtype PLANNED) of the newest `most` strikes; what was taken back is not among them.

    `refusals` counts all strikes that were not sent, by reason, those forgotten too. `zero` is the
    backend time from which a performance counts. OptionError for a `most` below 0.
    """

    def __init__(self, most: int = 100_000) -> None:
        if most < 0:
            raise OptionError(f"cannot remember {counted(most, 'strike')}: give 0 or more")
        self.refusals: Counter[str] = Counter()
        self.zero: float | None = None
        self._most = most
        self._commits: deque[Committed] = deque()
        self._count = 0
        self._newest: Plan | None = None

    def __len__(self) -> int:
        return self._count

    def add(self, plan: Plan) -> None:
        """Take the rows of the next commit."""
        self._newest = plan
        numbers = np.arange(plan.first, plan.first + len(plan.rows))
        self._append(Committed(plan.rows, numbers, {row + plan.first: t for row, t in plan.ready.items()}))
        self.refusals.update(plan.refusals)
        while self._count > self._most:
            self._count -= len(self._commits.popleft().rows)

    def take_back(self, start: float, time: float = np.inf) -> None:
        """Forget what was to start at or after `start`, and what was refused for `time` or later."""
        reached = [self._commits.pop() for _ in range(min(RECENT, len(self._commits)))]
        for commit in reversed(reached):
            rows = commit.rows
            self._count -= len(rows)
            gone = np.where(rows["refused"] == Refusal.NONE, rows["start"] >= start, rows["time"] >= time)
            for code in rows["refused"][gone & (rows["refused"] > 0)].tolist():
                self.refusals[Refusal(code).word] -= 1
            self._append(Committed(picked(rows, ~gone), commit.numbers[~gone], commit.ready))

    def performance(self, hits: Hits, title: str = "") -> Performance:
        """Return what is remembered beside these hits (dtype HIT, backend time).

        Hits of strikes that are no longer remembered are left out. PlayerError when nothing was planned.
        """
        if self._newest is None:
            raise PlayerError("nothing was planned yet: play something first")
        rows = joined([as_planned(np.zeros(0, PLANNED)), *(commit.rows for commit in self._commits)])
        numbers = np.concatenate([np.zeros(0, np.int64), *(commit.numbers for commit in self._commits)])
        order = np.argsort(rows["time"], kind="stable")
        places = {number: place for place, number in enumerate(numbers[order].tolist())}
        ready = {places[n]: t for commit in self._commits for n, t in commit.ready.items() if n in places}
        plan = Plan(
            self._newest.instrument, picked(rows, order), self._newest.top_db, self.zero or 0.0, 0, ready
        )
        return Performance.of(plan, _renumbered(hits, places), title=title)

    def _append(self, commit: Committed) -> None:
        if len(commit.rows):
            self._commits.append(commit)
            self._count += len(commit.rows)


def _renumbered(hits: Hits, places: Mapping[int, int]) -> Hits:
    """Return the hits of remembered strikes, and those of none, numbered by place in the plan."""
    hits = copied(hits)
    hits["strike"] = [places.get(n, -2) if n >= 0 else -1 for n in hits["strike"].tolist()]
    return picked(hits, hits["strike"] > -2)
