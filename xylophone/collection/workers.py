"""Worker processes that may die or hang: what they were at is lost, is named, and the others go on.

Each worker has one item at a time, so that it is certain which item ended it. Workers begin as fresh
processes: what they import, and nothing of their parent's threads.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from ..clock import Clock, SystemClock
from ..errors import XylophoneError
from .child import Child, DiedError

Item = TypeVar("Item")
Result = TypeVar("Result")

_LOOK = 0.25
"""s between two looks for workers that are overdue."""


@dataclass(frozen=True, slots=True)
class Lost:
    """There is no result, because the worker died or was ended; the reason is one line."""

    reason: str


def outcomes(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    jobs: int,
    limit: float,
    clock: Clock | None = None,
) -> Generator[tuple[Item, Result | Lost], None, None]:
    """Yield each item with what `work` makes of it in one of `jobs` processes, as they are done.

    `work` must be importable, items and results fit for pickle; what it raises is raised here. An item
    that takes longer than `limit` seconds, or whose process dies, is `Lost`. Items are taken as they
    are needed. Closing the iterator ends all workers at once.
    """
    remaining = iter(items)
    workers = [Worker(work, limit, clock or SystemClock()) for _ in range(jobs)]
    try:
        busy = [worker for worker in workers if worker.take(remaining)]
        while busy:
            wait([worker.future for worker in busy], _LOOK, FIRST_COMPLETED)
            for worker in busy:
                if worker.look():
                    yield worker.outcome()
                    worker.take(remaining)
            busy = [worker for worker in busy if worker.busy]
    finally:
        for worker in workers:
            worker.end()


class Worker(Generic[Item, Result]):
    """One process, and a new one after its death; `busy` while an item is with it.

    What is said of `outcomes` holds. `take` begins an item, `look` tells when it is done, `outcome` is its
    result; none waits for it, and XylophoneError says that no process can be started. `end` ends the process.
    An item whose process was there before it, and dies, gets one more: that one may have died with nothing
    to do.
    A `modest` one leaves the processor to others, and the memory too.
    """

    def __init__(
        self, work: Callable[[Item], Result], limit: float, clock: Clock, *, modest: bool = False
    ) -> None:
        self._work, self._limit, self._clock, self._modest = work, limit, clock, modest
        self._child: Child[Item, Result] | None = None
        self._began: float | None = None  # when the process was ready and the item with it
        self._overdue = self._first = False  # `_first`: the item is its process's first one
        self.busy = False

    def take(self, items: Iterator[Item]) -> bool:
        """Begin the next item; False where there is none."""
        for item in items:
            try:
                self._hand_over(item)
            except DiedError:  # with nothing to do
                self.end()
                with _told():
                    self._hand_over(item)
            return True
        return False

    def _hand_over(self, item: Item) -> None:
        self._first = self._child is None
        child = self._child or self._start()
        self.future: Future[Result] = child.ask(item)
        self._item, self._overdue, self.busy = item, False, True
        self._ready = child.ready
        self._began = self._clock.now() if self._ready.done() else None

    def look(self) -> bool:
        """Tell whether the item is done; end the process if it is overdue."""
        if self._began is None and self._ready.done():
            self._began = self._clock.now()
        if self._began is not None and self._clock.now() - self._began > self._limit and not self._overdue:
            self._overdue = not self.future.done()
            self._kill()
        return self.future.done() and not self._begun_again()

    def _begun_again(self) -> bool:
        """Give an item that is done to one more process where that is called for; tell whether it was."""
        died = isinstance(self.future.exception(0), DiedError)
        if not died or self._first or self._overdue:
            return False
        self.end()
        with suppress(DiedError, XylophoneError):  # then it is lost by the death of the one before
            self._hand_over(self._item)
            return True
        return False

    def outcome(self) -> tuple[Item, Result | Lost]:
        """Return the item, which is done, with its result; the worker is free then."""
        self.busy = False
        try:
            return self._item, self.future.result()
        except DiedError:
            self.end()
        with _told():
            self._ready.result()
        return self._item, Lost(self._obituary())

    def end(self) -> None:
        """End the process: at once when it is busy."""
        if self._child is None:
            return
        if self.busy:
            self._kill()
        self._child.end()
        self._child, self.busy = None, False

    def _start(self) -> Child[Item, Result]:
        try:
            self._child = Child(self._work, self._modest)
        except OSError as error:
            raise XylophoneError(f"{_CANNOT_START} ({error.strerror})") from error
        return self._child

    def _kill(self) -> None:
        if self._child is not None:
            self._child.kill()

    def _obituary(self) -> str:
        if self._overdue:
            return f"it took longer than {self._limit:g} s, and was left out"
        return "the process that read it died, maybe for lack of memory; it was left out"


@contextmanager
def _told() -> Iterator[None]:
    """Raise XylophoneError for a process that ends before it is given anything."""
    try:
        yield
    except DiedError as error:
        raise XylophoneError(_CANNOT_START) from error


_CANNOT_START = "a worker process cannot be started: free some memory, or ask for fewer with --jobs"
