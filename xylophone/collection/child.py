"""A process that works on one item after the other, each sent to it by a pipe.

No semaphore is shared with it, as a pool of the standard library's does: a program that is killed would leave
those behind, and what clears them up says so on the screen.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, InvalidStateError
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

MODESTY = 10
"""How nice a modest process is, of 19."""

FIRST_TO_GO = 1000
"""A modest process's /proc/PID/oom_score_adj: where memory runs out, it is ended before all others."""


class DiedError(Exception):
    """The process has ended before it has answered."""


class Child(Generic[Item, Result]):
    """A fresh process that does `work`; `ready` is done when it has begun, DiedError where it never does.

    `work` must be importable, items and results fit for pickle. A `modest` one leaves the processor to
    others, and the memory too. OSError where no process can be started.
    """

    def __init__(self, work: Callable[[Item], Result], modest: bool) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, work, modest), daemon=True)
        self.ready: Future[None] = Future()
        self._awaited: Future[Any] = self.ready
        self._ended = False
        try:
            with _no_interrupt():
                self._process.start()
        except BaseException:
            self._pipe.close()
            raise
        finally:
            theirs.close()
        self._reader = threading.Thread(target=self._read, name="child", daemon=True)
        self._reader.start()

    def ask(self, item: Item) -> Future[Result]:
        """Have it work on an item, its only one; what the work raises the result raises, or DiedError."""
        if self._ended:
            raise DiedError
        answer: Future[Result] = Future()
        self.ready.add_done_callback(lambda _: self._send(item, answer))
        return answer

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def end(self) -> None:
        """Let it end, and wait for that."""
        with suppress(OSError):
            self._pipe.send(())
        self._process.join()
        self._reader.join()
        self._pipe.close()

    def _send(self, item: Item, answer: Future[Result]) -> None:
        self._awaited = answer
        try:
            self._pipe.send((item,))
        except OSError:
            self._ended = True
        except Exception as error:
            answer.set_exception(error)
        if self._ended:
            _answer(answer, False, DiedError())

    def _read(self) -> None:
        """Take answers until the process ends; whoever waits then is told."""
        while self._pipe in wait([self._pipe, self._process.sentinel]):
            try:
                done, value = self._pipe.recv()
            except (EOFError, OSError):
                break
            except Exception as error:  # it cannot be read here
                done, value = False, error
            _answer(self._awaited, done, value)
        self._ended = True  # before who waits is looked for: whoever comes later looks at this
        _answer(self._awaited, False, DiedError())


def _answer(awaited: Future[Any], done: bool, value: Any) -> None:
    with suppress(InvalidStateError):  # it was told already
        (awaited.set_result if done else awaited.set_exception)(value)


def _serve(pipe: Connection, work: Callable[[Item], Result], modest: bool) -> None:
    """Do what is asked for until an empty message, or the parent's end."""
    _begin(modest)
    pipe.send((True, None))
    with suppress(EOFError):
        while message := pipe.recv():
            told = _tried(work, *message)
            try:
                pipe.send(told)
            except Exception as error:  # it is not fit for pickle
                pipe.send((False, error))


def _tried(work: Callable[[Item], Result], item: Item) -> tuple[bool, Result | BaseException]:
    try:
        return True, work(item)
    except BaseException as error:
        return False, error


def _begin(modest: bool) -> None:
    """Prepare the process: Ctrl-C is its parent's, and with its parent it ends, however that was."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if modest:
        _be_modest()
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def _be_modest() -> None:
    if hasattr(os, "nice"):  # not on Windows
        os.nice(MODESTY)
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:  # Linux, where it is permitted
        score.write(str(FIRST_TO_GO))


@contextmanager
def _no_interrupt() -> Iterator[None]:
    """Keep Ctrl-C from the children that the block starts; ours comes when it ends."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
