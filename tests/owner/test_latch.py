"""The latch of a stop and the count of crashes, on disk; on the safe side where that is damaged."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from xylophone.errors import FileError
from xylophone.owner.last import LastQueue
from xylophone.owner.latch import NAME, Latch, Stopped
from xylophone.owner.restarts import HOUR, MOST_CRASHES, Restarts, Run

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = datetime(2026, 3, 1, 13, tzinfo=UTC)


def test_it_is_on_until_it_is_cleared(tmp_path: Path):
    latch = Latch(tmp_path / "new" / "state")
    assert latch.read() is None
    assert latch.set("anna", NOON, "a bar has come loose") == latch.read()
    other = Latch(tmp_path / "new" / "state").read()
    assert other == Stopped("anna", "2026-03-01T12:00:00Z", "a bar has come loose")
    assert other.words == "stopped by anna at 2026-03-01T12:00:00Z: a bar has come loose"
    latch.clear()
    assert latch.read() is None
    latch.clear()


def test_who_stopped_first_is_remembered(tmp_path: Path):
    latch = Latch(tmp_path)
    latch.set("anna", NOON)
    assert latch.set("otto", LATER).who == "anna"
    assert latch.read() == Stopped("anna", "2026-03-01T12:00:00Z", "")


@given(st.binary(max_size=60) | st.sampled_from([b"{}", b"[]", b"null", b'{"who":1,"when":"","why":""}']))
def test_whatever_its_file_holds_it_is_on(tmp_path_factory: pytest.TempPathFactory, content: bytes):
    folder = tmp_path_factory.mktemp("state")
    (folder / NAME).write_bytes(content)
    stopped = Latch(folder).read()
    assert stopped is not None
    assert "damaged" in stopped.words
    Latch(folder).clear()
    assert Latch(folder).read() is None


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.symlink_to("nowhere")])
def test_what_cannot_be_read_is_on(tmp_path: Path, make):
    make(tmp_path / NAME)
    assert Latch(tmp_path).read() is not None


def test_three_crashes_within_an_hour_may_play_and_a_fourth_is_silent(tmp_path: Path):
    restarts = Restarts(tmp_path)
    assert restarts.begin(0.0) == Run(True, ())
    plays = [Restarts(tmp_path).begin(now).may_play for now in (100.0, 200.0, 300.0, 400.0, 500.0)]
    assert plays == [True, True, True, False, False]
    assert Restarts(tmp_path).begin(200.0 + HOUR + 200.5).may_play is True


def test_an_end_in_order_is_no_crash(tmp_path: Path):
    for now in range(10):
        restarts = Restarts(tmp_path)
        assert restarts.begin(float(now)) == Run(True, ())
        restarts.end()


def test_who_has_looked_begins_anew(tmp_path: Path):
    for now in range(5):
        Restarts(tmp_path).begin(float(now))
    Restarts(tmp_path).forgive()
    assert Restarts(tmp_path).begin(6.0) == Run(True, (6.0,))


@given(st.lists(st.floats(0.0, 5 * HOUR)))
def test_only_crashes_of_the_last_hour_count(times: list[float]):
    run, times = Run(), sorted(times)
    for count, now in enumerate(times, 1):
        run = run.begun(now)
        assert run.crashes == tuple(met for met in times[1:count] if now - HOUR <= met)
        assert run.may_play == (len(run.crashes) <= MOST_CRASHES)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"null", b'{"running":1,"crashes":[]}', b'{"running":true,"crashes":"x"}']
)
def test_a_damaged_count_is_silent_for_an_hour(tmp_path: Path, content: bytes):
    (tmp_path / "crashes.json").write_bytes(content)
    assert not Restarts(tmp_path).begin(5.0).may_play
    assert not Restarts(tmp_path).begin(6.0 + HOUR - 2.0).may_play
    assert Restarts(tmp_path).begin(HOUR + 10.0).may_play
    assert math.isfinite(Restarts(tmp_path).begin(HOUR + 11.0).crashes[0])


@contextmanager
def as_nobody() -> Iterator[None]:
    """Have the rights of nobody in the block, where root has them all."""
    own = os.geteuid()
    if own == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(own)


def test_a_folder_that_is_closed_to_us_is_no_accident_and_its_latch_is_on(tmp_path: Path):
    """As one that root has made in a user's home."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    with as_nobody():
        stopped = Latch(closed).read()
        assert stopped is not None
        assert "cannot be read" in stopped.words
        for change in (Latch(closed).clear, lambda: Latch(closed).set("anna", NOON)):
            with pytest.raises(FileError):
                change()
        assert LastQueue.read(closed) == LastQueue()
        with pytest.raises(FileError):
            Restarts(closed).begin(0.0)
