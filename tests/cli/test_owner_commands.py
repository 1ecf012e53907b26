"""Commands to the owner: what they say is what the owner has confirmed, and nobody there is one line."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

import forking
import programs
from cli.conftest import Ran
from cli.plain_owner import OFF, PlainOwner, owning
from xylophone.backends.contract import Coils
from xylophone.cli.owned import RELEASE
from xylophone.errors import BackendError, FileError
from xylophone.owner.client import OwnerClient
from xylophone.owner.ending import ask_to_stop
from xylophone.owner.latch import Latch
from xylophone.owner.places import Door
from xylophone.owner.server import Server
from xylophone.owner.session import Early

Run = Callable[..., Ran]
WORDS = [
    ("status",), ("add", "twinkle"), ("pause",), ("resume",), ("next",), ("previous",), ("volume", "60"),
    ("seek", "1:15"), ("queue",), ("queue", "move", "1", "1"), ("stop",), ("release",),
]  # fmt: skip


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[PlainOwner]:
    with owning(tmp_path) as (owner, _):
        yield owner


@pytest.fixture
def playing(owner: PlainOwner) -> PlainOwner:
    """An owner that plays the first of three songs."""
    owner.add([{"path": f"/songs/{name}.mid"} for name in ("sakura", "twinkle", "bells")])
    owner.state |= {"state": "playing", "position": 12.25}
    return owner


def said(ran: Ran) -> str:
    assert (ran.code, ran.err) == (0, "")
    return ran.out.rstrip("\n")


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_where_no_owner_runs_each_says_how_to_start_one(xylophone: Run, words: tuple[str, ...]) -> None:
    ran = xylophone(*words)
    assert (ran.code, ran.out) == (3, "")
    assert ran.err == "xylophone: no owner runs: start one with: xylophone serve\n"


def test_the_music_is_told_as_it_is(xylophone: Run, playing: PlainOwner) -> None:
    assert said(xylophone("pause")) == "paused in sakura, 0:12 of 1:21, volume 60"
    assert said(xylophone("resume")) == "playing sakura, 0:12 of 1:21, volume 60"
    assert said(xylophone("seek", "1:15")) == "playing sakura, 1:15 of 1:21, volume 60"
    assert said(xylophone("seek", "-0:30")) == "playing sakura, 0:45 of 1:21, volume 60"
    assert said(xylophone("seek", "+10s")) == "playing sakura, 0:55 of 1:21, volume 60"
    assert said(xylophone("previous")) == "playing sakura, 0:00 of 1:21, volume 60"
    assert said(xylophone("next")) == "playing twinkle, 0:00 of 1:21, volume 60"


@pytest.mark.parametrize(("word", "volume"), [("70", 70), ("+5", 65), ("-5", 55), ("0", 0), ("45%", 45)])
def test_volume_is_set_or_changed_and_told_as_it_is_then(
    xylophone: Run, owner: PlainOwner, word: str, volume: int
) -> None:
    assert said(xylophone("volume", word)) == f"volume {volume}"
    assert owner.state["volume"] == volume
    assert said(xylophone("volume")) == f"volume {volume}"
    assert said(xylophone("volume", "+100")) == "volume 100"  # what the owner says, not what was asked


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("volume", "loud"), "'loud' is no number: write 60, +5 or -5"),
        (("volume", "101"), "volume: to is 101.0: give a number 0..100"),
        (("volume", "nan"), "'nan' is no number"),
        (("seek", "soon"), "'soon' is no time"),
        (("queue", "repeat", "maybe"), "'maybe' is not one of"),
        (("queue", "mov", "1", "1"), "unknown command 'mov': did you mean move?"),
        (("add", "-"), "the owner cannot read standard input"),
    ],
)
def test_a_slip_is_one_line_with_exit_code_2(
    xylophone: Run, playing: PlainOwner, words: tuple[str, ...], told: str
) -> None:
    ran = xylophone(*words)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert told in ran.err


def test_what_the_owner_refuses_has_its_exit_code(xylophone: Run, owner: PlainOwner) -> None:
    ran = xylophone("pause")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "xylophone: cannot do that while idle: possible is play, add\n"


def test_songs_are_added_by_their_paths_with_what_was_chosen(
    xylophone: Run, owner: PlainOwner, midi: Callable[..., Path]
) -> None:
    path = midi((72, 0, 1, 80, 0), name="tune.mid")
    ran = xylophone("add", "tune.mid", "twinkle", "--preset", "solo", "--octave", "0:1", "--tracks", "0-1")
    assert said(ran) == "added 2 songs: 2 songs to come, next tune"
    first, second = owner.songs.values()
    assert first == {
        "path": str(path), "title": "tune", "preset": "solo", "octaves": [[0, 1]], "tracks": [0, 1],
    }  # fmt: skip
    assert Path(second["path"]).is_file()
    owner.state["state"] = "playing"
    assert said(xylophone("add", "sakura", "--next", "--no-saved", "--as-written")).startswith(
        "added 1 song: "
    )
    assert [song["title"] for song in owner.songs.values()] == ["tune", "sakura", "twinkle"]
    assert owner.songs[3] | {"path": "", "title": ""} == {
        "path": "", "title": "", "saved": False, "as_written": True,
    }  # fmt: skip


def test_a_song_that_is_missing_is_told_and_the_others_are_added(xylophone: Run, owner: PlainOwner) -> None:
    ran = xylophone("add", "twinkle", "nowhere.mid")
    assert (ran.code, ran.out) == (1, "added 1 song: 1 song to come, next twinkle\n")
    assert "left out: " in ran.err
    assert "not every song was added: see above" in ran.err


def test_more_songs_than_a_line_holds_keep_their_order(
    xylophone: Run, owner: PlainOwner, midi: Callable[..., Path], tmp_path: Path
) -> None:
    folder = tmp_path / ("x" * 100)
    folder.mkdir()
    one = midi((72, 0, 1, 80, 0)).read_bytes()
    for number in range(700):
        (folder / f"{number:03d}.mid").write_bytes(one)
    assert said(xylophone("add", folder)) == "added 700 songs: 700 songs to come, next 000"
    assert [song["title"] for song in owner.songs.values()] == [f"{number:03d}" for number in range(700)]
    owner.songs = {1: {"path": "/a", "title": "a"}}
    owner.state["state"] = "playing"
    xylophone("add", folder, "--next")
    assert [song["title"] for song in owner.songs.values()][1:] == [f"{number:03d}" for number in range(700)]
    listed = xylophone("queue", "--json").json
    assert [entry["title"] for entry in listed][1:] == [f"{number:03d}" for number in range(700)]


def test_the_queue_is_listed_and_changed_by_number(xylophone: Run, playing: PlainOwner) -> None:
    assert said(xylophone("queue")).splitlines()[1:] == [
        "1       sakura   waiting",
        "2       twinkle  waiting",
        "3       bells    waiting",
    ]
    assert said(xylophone("queue", "move", "3", "1")) == "2 songs to come, next bells"
    assert said(xylophone("queue", "shuffle", "--seed", "7")) == "2 songs to come, next twinkle"
    assert said(xylophone("queue", "remove", "2")) == "1 song to come, next bells"
    assert (
        xylophone("queue", "remove", "9").err == "xylophone: there is no entry 9: look with xylophone queue\n"
    )
    assert said(xylophone("queue", "clear")) == "0 songs to come"
    assert said(xylophone("queue", "repeat")) == "the queue begins anew when it is over"
    assert said(xylophone("queue", "repeat", "off")) == "the queue is played once"
    assert said(xylophone("queue", "finish")) == "it ends after this song"
    assert said(xylophone("queue", "finish", "off")) == "the queue goes on after this song"
    playing.songs.clear()
    playing.state["state"] = "idle"
    assert said(xylophone("queue")) == "the queue is empty"


def test_status_says_what_plays_and_what_is_to_come(xylophone: Run, playing: PlainOwner) -> None:
    lines = said(xylophone("status")).splitlines()
    assert lines[:4] == [
        "state:        playing sakura, 0:12 of 1:21, volume 60",
        "music:        measure 1, beat 1; 78 bpm, speed 1",
        "queue:        2 to come, next twinkle",
        "backend:      gpio:null",
    ]
    assert lines[4].startswith(f"owner:        process {os.getpid()} of ")
    found = xylophone("status", "--json").json
    assert (found["state"], found["song"]["title"], found["process"]) == ("playing", "sakura", os.getpid())
    playing.state |= {"state": "failed", "message": "the board has gone"}
    assert said(xylophone("status")).startswith("state:        it has failed: the board has gone\n")


def test_a_song_that_is_being_arranged_is_told(xylophone: Run, owner: PlainOwner) -> None:
    owner.state["preparing"] = "Sakura"
    assert said(xylophone("status")).startswith("state:        nothing plays, Sakura is being arranged\n")


def test_status_says_which_strikes_were_not_played(xylophone: Run, playing: PlainOwner) -> None:
    playing.state |= {"struck": 15542, "not_struck": {}, "faults": 0}
    assert "strikes:      15,542 played" in xylophone("status").out.splitlines()
    playing.state |= {"not_struck": {"recovery": 131, "late": 42}, "faults": 1}
    told = "strikes:      15,542 played; not played: 42 late, 131 recovery; 1 fault"
    assert told in xylophone("status").out.splitlines()


def test_status_follows_until_the_owner_leaves(
    xylophone: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each change is a line, in a program of its own; what looks alike is not said twice."""
    with owning(tmp_path) as (owner, server):
        server.tell({"event": "state", "rev": 1, "state": owner.now()["state"]})
        with forking.Fork(
            ["status", "--follow"], stdout=subprocess.PIPE, text=True, env=os.environ
        ) as follow:
            assert follow.stdout is not None
            assert follow.stdout.readline() == "nothing plays\n"
            server.tell({"event": "state", "rev": 2, "state": owner.now()["state"]})
            owner.add([{"path": "/songs/sakura.mid"}])
            owner.state["state"] = "playing"
            server.tell({"event": "state", "rev": 3, "state": owner.now()["state"]})
            assert follow.stdout.readline() == "playing sakura, 0:00 of 1:21, volume 60\n"
            server.tell({"event": "song", "entry": 1, "lines": ["damaged"], "left_out": False, "kind": None})
            owner.state["state"] = "paused"
            server.tell({"event": "state", "rev": 4, "state": owner.now()["state"]})
            assert follow.stdout.readline() == "paused in sakura, 0:00 of 1:21, volume 60\n"
            server.tell({"event": "bye", "why": "SIGTERM"})
            assert follow.stdout.read() == ""
        assert follow.returncode == 0


def test_a_stop_holds_until_it_is_released(xylophone: Run, playing: PlainOwner) -> None:
    me = playing_user()
    words = f"stopped by {me} at 2026-03-01T12:00:00Z: smoke"
    told = said(xylophone("stop", "--why", "smoke")).splitlines()
    assert told == [OFF, f"{words}; to let it play again: xylophone release"]
    assert said(xylophone("status")).startswith(f"state:        {words}; to let it play again")
    assert said(xylophone("release")) == f"released, it was {words}"
    assert said(xylophone("status")).startswith("state:        nothing plays\n")
    ran = xylophone("release")
    assert (ran.code, ran.err) == (1, "xylophone: nothing is stopped: there is nothing to release\n")


def test_a_stop_that_nothing_confirms_is_no_success(xylophone: Run, playing: PlainOwner) -> None:
    playing.coils = str(Coils.UNCONFIRMED)
    ran = xylophone("stop")
    assert (ran.code, ran.out.splitlines()[0]) == (1, playing.coils)
    assert "do now: xylophone off" in ran.err


def test_an_owner_whose_backend_is_not_open_says_what_it_can(xylophone: Run, owner: PlainOwner) -> None:
    for key in ("backend", "volume", "position", "speed"):
        del owner.state[key]
    owner.state |= {"state": "failed", "message": "the board has gone"}
    assert said(xylophone("status")).splitlines()[:3] == [
        "state:        it has failed: the board has gone",
        "queue:        0 to come",
        "backend:      not open",
    ]
    assert said(xylophone("volume")) == "volume not known: the backend is not open"
    owner.state |= {"state": "opening", "message": None}
    assert said(xylophone("status")).startswith("state:        the backend is being opened\n")


def playing_user() -> str:
    import pwd

    return pwd.getpwuid(os.getuid()).pw_name


def test_a_command_to_the_owner_loads_nothing_slow(root: Path) -> None:
    listing = "import sys; from xylophone.cli import control, status; print(*sys.modules)"
    ran = programs.run([sys.executable, "-c", listing], cwd=root, capture_output=True, text=True, check=True)
    assert not {"numpy", "asyncio", "pydantic", "rich"} & set(ran.stdout.split())


def test_off_asks_the_owner_which_stays(xylophone: Run, playing: PlainOwner) -> None:
    ran = xylophone("off")
    assert said(ran) == (
        f"{OFF} (gpio:null); the owner, process {os.getpid()}, stays; to let it play again: xylophone release"
    )
    assert playing.state["stopped"]["why"] == "xylophone off"


def test_off_finds_an_owner_whose_socket_was_named_by_another_path(
    xylophone: Run, playing: PlainOwner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "run")
    monkeypatch.setenv("XYLOPHONE_OWNER", str(tmp_path / "link" / "owner.sock"))
    assert said(xylophone("off")).startswith(f"{OFF} (gpio:null); the owner, process {os.getpid()}, stays")
    assert playing.state["stopped"]["why"] == "xylophone off"


def test_off_silences_what_the_owner_does_not_have_too(xylophone: Run, playing: PlainOwner) -> None:
    lines = said(xylophone("off", "--backend", "sim:")).splitlines()
    assert [line.split(";")[0] for line in lines] == [f"{OFF} (gpio:null)", f"{OFF} (sim:)"]
    assert len(said(xylophone("off", "--backend", "gpio:null")).splitlines()) == 1


def owner_process(folder: Path, coils: str = OFF) -> programs.Program:
    """Start an owner as a process of its own."""
    script = Path(__file__).with_name("plain_owner.py")
    environ = os.environ | {"PYTHONPATH": str(script.parents[1])}
    command = [sys.executable, str(script), str(folder), coils]
    owner = programs.Program(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ)
    assert owner.stdout is not None
    assert owner.stdout.readline() == f"{owner.pid}\n".encode()
    return owner


def test_off_kills_an_owner_that_stands_still_and_puts_its_latch_on(xylophone: Run, tmp_path: Path) -> None:
    with owner_process(tmp_path) as owner:
        programs.stand_still(owner.pid)
        ran = xylophone("off")
        assert owner.wait() == -signal.SIGKILL
    assert said(ran) == f"{OFF} (gpio:null); killed process {owner.pid}; {RELEASE}"
    stopped = Latch(tmp_path).read()
    assert stopped is not None
    assert (stopped.who, stopped.why) == (
        playing_user(),
        "xylophone off; the owner did not answer and was killed",
    )


def test_off_kills_one_at_whose_door_as_many_wait_as_can(xylophone: Run, tmp_path: Path) -> None:
    """Who connects to it as others do would wait for ever."""
    with owner_process(tmp_path) as owner, ExitStack() as waiting:
        programs.stand_still(owner.pid)
        with suppress(BlockingIOError):
            while True:
                other = waiting.enter_context(socket.socket(socket.AF_UNIX))
                other.setblocking(False)
                other.connect(os.environ["XYLOPHONE_OWNER"])
        with pytest.raises(BackendError, match="takes nobody in: end it with: xylophone off"):
            OwnerClient.connect()
        ran = xylophone("off")
        assert owner.wait() == -signal.SIGKILL
    assert said(ran) == f"{OFF} (gpio:null); killed process {owner.pid}; {RELEASE}"
    assert Latch(tmp_path).read() is not None


def test_off_kills_one_that_plays_by_no_lock_of_this_user_and_latches_where_it_looks(
    xylophone: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with owner_process(tmp_path) as owner:
        programs.stand_still(owner.pid)
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "other"))
        monkeypatch.setenv("TMPDIR", str(tmp_path / "other"))
        ran = xylophone("off", "--backend", "gpio:null")
        assert owner.wait() == -signal.SIGKILL
    assert said(ran) == f"{OFF} (gpio:null); killed process {owner.pid}; {RELEASE}"
    assert Latch(tmp_path).read() is not None


def test_off_ends_an_owner_that_cannot_confirm_it_and_does_so_itself(xylophone: Run, tmp_path: Path) -> None:
    with owner_process(tmp_path, str(Coils.UNCONFIRMED)) as owner:
        ran = xylophone("off")
        assert owner.wait() == -signal.SIGKILL
    assert said(ran) == f"{OFF} (gpio:null); killed process {owner.pid}; {RELEASE}"


@pytest.mark.usefixtures("xylophone")
@pytest.mark.parametrize("answer", [{}, {"coils": None}, {"coils": OFF}, {"coils": OFF, "state": 1}])
def test_off_believes_no_owner_that_does_not_say_what_the_coils_do(
    tmp_path: Path, answer: dict[str, Any]
) -> None:
    """One of another version, or no owner at all; `off` ends it unless it has said that they are off."""
    with Server(lambda *_: answer, dict, Door(tmp_path / "run" / "owner.sock", False, tmp_path)):
        asked = ask_to_stop("xylophone off", 5.0)
    assert asked is not None
    assert asked.state is None
    assert asked.heard is (answer.get("coils") == OFF)
    assert "answers nothing that this program knows" in str(asked.error)


def test_off_says_when_the_latch_could_not_be_written(xylophone: Run, tmp_path: Path) -> None:
    """The coils are off, but a restart would play again: that is no success."""
    first: Future[Any] = Future()
    last: Future[Any] = Future()
    first.set_result({"coils": OFF})
    last.set_exception(FileError("cannot write stopped.json: the disk is full"))
    with Server(lambda *_: Early(first, last), dict, Door(tmp_path / "run" / "owner.sock", False, tmp_path)):
        ran = xylophone("off")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == f"xylophone: cannot write stopped.json: the disk is full; {OFF}\n"
