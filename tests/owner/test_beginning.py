"""What an owner plays at its start: songs that were named, or what was playing last."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from pathlib import Path

import pytest

from owner.held import song
from player.pieces import INSTRUMENT
from xylophone.arranger import Weights
from xylophone.clock import VirtualClock
from xylophone.errors import FileError, OptionError, SafetyError
from xylophone.instrument import build_instrument
from xylophone.owner.commands import MOST_ENTRIES
from xylophone.owner.last import LastQueue
from xylophone.owner.making import Recipe
from xylophone.owner.places import Door
from xylophone.owner.queue import MOST_ENTRIES as MOST_TO_COME, MOST_PLAYED, Queue
from xylophone.owner.rehearsal import RehearsedOwner
from xylophone.owner.restarts import Restarts
from xylophone.owner.service import Service


def rehearsed(folder: Path) -> RehearsedOwner:
    return RehearsedOwner(folder, build_instrument())


def test_it_begins_with_songs_as_soon_as_it_is_open(tmp_path: Path) -> None:
    songs = [song(tmp_path, "a"), song(tmp_path, "b")]
    owner = rehearsed(tmp_path)
    owner.start_with(LastQueue(songs, repeat=True), volume=40)
    with owner, owner.connect() as client:
        owner.pass_time(12.0)
        state = client.do("state")["state"]
        assert (state["state"], state["repeat"], state["volume"]) == ("playing", True, 40)
        assert len(owner.heard()) > 16


def test_what_was_playing_is_kept_and_played_again(tmp_path: Path) -> None:
    songs = [song(tmp_path, name) for name in "abc"]
    with rehearsed(tmp_path) as owner, owner.connect() as client:
        client.do("play", songs=songs)
        owner.pass_time(4.0)
        assert client.do("state")["state"]["song"]["title"] == "b"
    kept = LastQueue.read(tmp_path)
    assert [Path(each["path"]).stem for each in kept.songs] == ["b", "c"]
    assert not kept.repeat


def test_what_was_to_end_by_time_does_not_repeat_after_a_power_cut(tmp_path: Path) -> None:
    with rehearsed(tmp_path) as owner, owner.connect() as client:
        client.do("play", songs=[song(tmp_path, "a")], repeat=True, limit=600)
        owner.pass_time(1.0)
    assert len(LastQueue.read(tmp_path).songs) == 1
    assert not LastQueue.read(tmp_path).repeat


def test_a_queue_that_repeats_is_kept_whole_from_where_it_was() -> None:
    queue = Queue()
    queue.replace([{"path": f"/{name}.mid"} for name in "abc"])
    queue.begin(queue.entries[1])
    assert [each["path"] for each in queue.left] == ["/b.mid", "/c.mid"]
    queue.repeat = True
    assert [each["path"] for each in queue.left] == ["/b.mid", "/c.mid", "/a.mid"]


def test_of_a_queue_that_is_too_long_its_beginning_is_kept(tmp_path: Path) -> None:
    """What a client may send is more than what is read back."""
    songs = [{"path": f"/{number}.mid", "tracks": list(range(1000))} for number in range(MOST_ENTRIES)]
    LastQueue(songs).write(tmp_path)
    kept = LastQueue.read(tmp_path).songs
    assert 300 < len(kept) < MOST_ENTRIES
    assert list(kept) == songs[: len(kept)]


@pytest.mark.parametrize("repeat", [True, False])
def test_a_queue_has_an_end(repeat: bool) -> None:
    """One that repeats keeps what has played, the other the last of that."""
    queue = Queue()
    queue.repeat = repeat
    with suppress(OptionError):
        for _ in range(4 * MOST_TO_COME // 100):
            queue.insert([{"path": "/a.mid"}] * 100)
            queue.begin(queue.entries[-1])
        assert not repeat
    assert len(queue.entries) <= (MOST_TO_COME if repeat else MOST_PLAYED + 1)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"songs": [{"path": "a"}], "repeat": true}', b"[" * 99999]
)
def test_a_damaged_file_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "queue.json").write_bytes(content)
    with pytest.raises(FileError, match=r"queue\.json is damaged"):
        LastQueue.read(tmp_path)


def test_nothing_is_kept_where_nothing_has_played(tmp_path: Path) -> None:
    assert LastQueue.read(tmp_path) == LastQueue()


def test_after_a_stop_it_waits(tmp_path: Path) -> None:
    with rehearsed(tmp_path) as owner, owner.connect() as client:
        client.do("stop")
    later = rehearsed(tmp_path)
    later.start_with(LastQueue([song(tmp_path, "a")]))
    with later, later.connect() as client:
        later.pass_time(10.0)
        assert len(later.heard()) == 0
        with pytest.raises(SafetyError):
            client.do("next")
        client.do("release")
        later.pass_time(10.0)
        assert len(later.heard()) == 0


def test_after_too_many_crashes_it_is_silent_and_says_so(tmp_path: Path) -> None:
    for _ in range(5):
        Restarts(tmp_path).begin(0.0)
    owner = rehearsed(tmp_path)
    owner.start_with(LastQueue([song(tmp_path, "a")]))
    with owner, owner.connect() as client:
        owner.pass_time(5.0)
        assert len(owner.heard()) == 0
        assert "silent until somebody plays" in owner.lines[0]
        client.do("play", songs=[song(tmp_path, "a")])
        owner.pass_time(5.0)
        assert len(owner.heard()) == 8


@pytest.mark.parametrize(("error", "crashes"), [(None, 0), (SystemExit(143), 0), (MemoryError(), 1)])
def test_what_ends_it_but_a_signal_counts_as_a_crash(
    tmp_path: Path, error: BaseException | None, crashes: int
) -> None:
    with suppress(SystemExit, MemoryError), rehearsed(tmp_path):
        if error is not None:
            raise error
    assert len(Restarts(tmp_path).begin(1e6).crashes) == crashes


@pytest.mark.parametrize(("volume", "begins"), [(None, 30), (80, 30), (20, 20)])
def test_it_begins_no_louder_than_anybody_may_ask_for(
    tmp_path: Path, volume: float | None, begins: int
) -> None:
    owner = rehearsed(tmp_path)
    owner._service.core.most_volume = 30.0
    owner.start_with(LastQueue([song(tmp_path, "a")]), volume)
    with owner, owner.connect() as client:
        owner.pass_time(1.0)
        assert client.do("state")["state"]["volume"] == begins


def test_a_release_and_an_end_that_cannot_be_noted_are_none_the_less(tmp_path: Path) -> None:
    with rehearsed(tmp_path) as owner, owner.connect() as client:
        client.do("stop")
        (tmp_path / "crashes.json").unlink()
        (tmp_path / "crashes.json").mkdir()
        assert client.do("release")["state"]["state"] == "idle"
    assert [line.split(":")[0] for line in owner.lines if "crashes" in line] == [
        "the next start takes this for a crash"
    ] * 2


def test_of_owners_whose_sockets_lie_in_one_folder_each_counts_its_own_crashes(tmp_path: Path) -> None:
    def owner_at(name: str) -> Service:
        door, recipe = (
            Door(tmp_path / name, False, tmp_path / "state", named=True),
            Recipe(INSTRUMENT, Weights()),
        )
        return Service(nullcontext, recipe, door, VirtualClock(), "sim:")  # type: ignore[arg-type]

    with suppress(MemoryError), owner_at("a.sock"):
        raise MemoryError
    with owner_at("a.sock") as crashed, owner_at("b.sock") as other:
        assert len(crashed.run.crashes) == 1
        assert other.run.crashes == ()
