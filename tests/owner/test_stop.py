"""A stop against whatever else happens at that very moment: it holds, and is its client's."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from owner.held import ME, OTHER, Held
from xylophone.errors import SafetyError
from xylophone.owner.latch import Latch
from xylophone.owner.latching import Latching


class Later(Executor):
    """Does nothing as yet; `asked` are the names of what it was asked to do."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def submit(self, call: Any, /, *arguments: Any, **more: Any) -> Future[Any]:
        self.asked.append(call.__name__)
        return Future()


def test_a_latch_is_written_once_however_often_it_is_asked_for_while_the_disk_is_slow(tmp_path: Path) -> None:
    writing, now = Later(), datetime(2026, 12, 1, tzinfo=UTC)
    latching = Latching(Latch(tmp_path), writing)
    first = [latching.set("anna", now, "") for _ in range(1000)]
    assert {id(each) for each in first} == {id(first[0])}
    latching.clear()
    again = [latching.set("bert", now, "") for _ in range(1000)]
    assert writing.asked == ["set", "clear", "set"]
    again[0].set_running_or_notify_cancel()
    assert latching.set("bert", now, "") is not again[0]


class Slow(Executor):
    """Does what it is asked for, in order, only when it is told to."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def submit(self, call: Any, /, *arguments: Any, **more: Any) -> Future[Any]:
        done: Future[Any] = Future()
        self.waiting.append(lambda: done.set_result(call(*arguments, **more)))
        return done

    def go_on(self) -> None:
        while self.waiting:
            self.waiting.pop(0)()


def test_a_stop_of_the_instrument_s_own_outlasts_the_release_of_the_one_before(tmp_path: Path) -> None:
    """The disk is still at that release."""
    Latch(tmp_path / "state").set("anna", datetime(2026, 12, 1, tzinfo=UTC))
    held, disk = Held(tmp_path), Slow()
    held.core.latching = Latching(held.core.latching.latch, disk)
    held.fails = [SafetyError("an output is stuck on")]
    released = held.ask("release")
    held.clock.at(1.0, disk.go_on)
    held.until(3.0)
    with pytest.raises(SafetyError, match="stopped again meanwhile"):
        released.result(0)
    assert held.core.stopped is not None
    assert held.core.latching.latch.read() is not None


class Meanwhile:
    """A lock before which, once, something else is done as if another thread had been quicker."""

    def __init__(self, lock: Any, first: Callable[[], object]) -> None:
        self._lock, self._first = lock, [first]

    def __enter__(self) -> None:
        if self._first:
            self._first.pop()()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_a_stop_is_its_client_s_also_where_the_loop_sees_it_first(
    held: Held, songs: list[dict[str, Any]]
) -> None:
    def stop() -> None:
        core = held.core
        core.lock = Meanwhile(core.lock, lambda: core.attend(held.clock.now()))  # type: ignore[assignment]
        held.ask("stop", why="a child's finger")

    held.at(1.0, "play", songs=songs[:1])
    held.clock.at(2.0, stop)
    held.until(3.0)
    stopped = held.core.latching.latch.read()
    assert stopped is not None
    assert stopped.why == "a child's finger"


def test_a_stop_that_comes_while_the_backend_is_opened_holds(held: Held, songs: list[dict[str, Any]]) -> None:
    """It begins to play, as it was told before, between the look whether there is a player and the stop."""
    core = held.core
    held.ask("play", songs=songs[:1])
    opened: list[Any] = []

    def open_and_stop() -> None:
        opened.append(core.player)
        core.player = None
        core.lock = Meanwhile(core.lock, lambda: setattr(core, "player", opened[0]))  # type: ignore[assignment]
        held.ask("stop")

    held.clock.at(1.0, open_and_stop)
    held.until(10.0)
    assert not [time for time in held.heard() if time > 1.03]


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_begins_by_a_release(held: Held, songs: list[dict[str, Any]], fails: bool) -> None:
    """Not what follows an attached song whose client has left, nor what played when the backend failed."""
    held.at(1.0, "play", songs=songs[:1], attached=True)
    held.clock.at(1.5, lambda: held.ask("add", OTHER, songs=songs[1:2]))

    def stop_and_leave() -> None:
        if fails:
            held.backends[-1].close()
        held.ask("stop")
        held.desk.left(ME)

    held.clock.at(2.0, stop_and_leave)
    held.at(5.0, "release")
    held.until(20.0)
    assert held.core.stopped is None
    assert not [time for time in held.heard() if time > 2.03]


def test_a_stop_is_answered_whatever_befalls_its_latch(held: Held, songs: list[dict[str, Any]]) -> None:
    class Wrong(Executor):
        def submit(self, call: Any, /, *arguments: Any, **more: Any) -> Future[Any]:
            done: Future[Any] = Future()
            done.set_exception(ValueError("nobody has thought of this"))
            return done

    held.core.latching = Latching(held.core.latching.latch, Wrong())
    held.at(1.0, "play", songs=songs[:1])
    stop = held.at(2.0, "stop")
    held.until(5.0)
    assert isinstance(stop.exception(0), ValueError)
    assert not [time for time in held.heard() if time > 2.03]
