"""The client of the owner: answers, errors of their own class, events, and what it says of an empty place."""

from __future__ import annotations

import os
import socket
import sys
import threading
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path

import pytest

import programs
from cli.test_off import AS_STRANGER
from firmware.building import need
from owner.answering import Answerer, serving
from xylophone import errors
from xylophone.errors import BackendError, BackendMissing, PlayerError, SafetyError, XylophoneError
from xylophone.owner.client import OwnerClient, connection_to, error_of
from xylophone.owner.places import Door, doors, own_door
from xylophone.owner.server import Server


def test_it_has_things_done_and_raises_what_is_refused(tmp_path: Path) -> None:
    with serving(tmp_path, Answerer()) as (_, path), OwnerClient.connect(path) as client:
        assert client.greeting["zero"] == 12.5
        assert client.peer.pid == os.getpid()
        assert client.do("volume", to=60) == {"did": "volume", "count": 1}
        with pytest.raises(PlayerError, match="cannot pause while idle"):
            client.do("pause")
        with pytest.raises(SafetyError) as refused:
            client.do("resume")
        assert refused.value.exit_code == 4
        assert client.do("next")["did"] == "next"


def test_events_are_kept_while_an_answer_is_waited_for(tmp_path: Path) -> None:
    answerer = Answerer()
    with serving(tmp_path, answerer) as (server, path), OwnerClient.connect(path) as client:
        server.tell({"event": "state", "rev": 1})
        following = client.follow("state")
        assert next(following) == {"event": "state", "rev": 1}
        server.tell({"event": "fault", "message": "x"})
        assert client.do("next")["did"] == "next"
        server.tell({"event": "bye", "why": "SIGTERM"})
        assert [event["event"] for event in following] == ["fault", "bye"]


def test_what_comes_before_an_answer_is_told_at_once(tmp_path: Path) -> None:
    answerer, early = Answerer(), []
    with serving(tmp_path, answerer) as (_, path), OwnerClient.connect(path) as client:
        answerer.stop.first.set_result({"coils": "all coils are off"})

        def came(line: dict[str, object]) -> None:
            early.append(line)
            answerer.stop.answer.set_result({"stopped": "now"})

        assert client.do("stop", early=came) == {"stopped": "now"}
    assert early == [{"id": 1, "coils": "all coils are off"}]


def test_an_owner_that_does_not_answer_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    with serving(tmp_path, Answerer()) as (_, path), OwnerClient.connect(path) as client:
        with pytest.raises(BackendError, match=f"process {os.getpid()}, does not answer"):
            client.do("play", within=0.01, songs=[{"path": "/a"}])
        assert client.do("next")["did"] == "next"


def test_one_that_reads_nothing_more_is_told_in_a_line(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener, ExitStack() as held:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        connection = connection_to(tmp_path / "s")
        held.enter_context(listener.accept()[0]).sendall(b'{"xylophone":1}\n')
        client = held.enter_context(OwnerClient(connection))
        with pytest.raises(BackendError, match="does not answer within"):
            client.do("pause", within=0.01)
        with pytest.raises(BackendError, match="takes nothing more"):
            client.ask("add", songs=["x" * 60_000] * 1000)


def test_one_that_stands_still_is_found_out_by_its_greeting(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(tmp_path / "o"))
        deaf.listen()
        with pytest.raises(BackendError, match=r"does not answer within 0\.01 s"):
            OwnerClient.connect(tmp_path / "o", within=0.01)


def test_one_that_has_ended_is_told_so(tmp_path: Path) -> None:
    with serving(tmp_path, Answerer()) as (server, path), OwnerClient.connect(path) as client:
        server.close()
        with pytest.raises(BackendError, match="has ended"):
            client.do("next")


@pytest.mark.parametrize("place", ["nowhere", "file", "dead"])
def test_where_no_owner_runs_one_line_says_how_to_start_one(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "dead"))
    with pytest.raises(BackendMissing, match="no owner runs: start one with: xylophone serve") as refused:
        OwnerClient.connect(tmp_path / place)
    assert refused.value.exit_code == 3


def test_one_that_is_still_to_come_can_be_waited_for(tmp_path: Path) -> None:
    came: Future[dict[str, object]] = Future()
    path = tmp_path / "run" / "owner.sock"

    def wait() -> None:
        with OwnerClient.connect(path, wait=programs.PATIENCE) as client:
            came.set_result(client.do("next"))

    waiting = threading.Thread(target=wait)
    waiting.start()
    answerer = Answerer()
    with Server(answerer, answerer.greeting, Door(path, False, tmp_path)):
        assert came.result(programs.PATIENCE)["did"] == "next"
        waiting.join()


def test_another_version_is_told(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(tmp_path / "o"))
        other.listen()

        def greet() -> None:
            connection, _ = other.accept()
            with connection:
                connection.sendall(b'{"xylophone":2}\n')
                connection.recv(99)

        greeting = threading.Thread(target=greet)
        greeting.start()
        with pytest.raises(BackendError, match="speaks version 2, this program 1"):
            OwnerClient.connect(tmp_path / "o")
        greeting.join()


def test_every_error_of_ours_comes_back_as_what_it_was() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    ours = [kind for kind in kinds if issubclass(kind, XylophoneError)]
    assert len(ours) > 10
    for kind in ours:
        back = error_of({"kind": kind.__name__, "message": "value: remedy"})
        assert type(back) is kind
        assert str(back) == "value: remedy"
    for odd in ("OSError", "install", "Iterable", "__name__", ""):
        assert type(error_of({"kind": odd, "message": "x"})) is XylophoneError
    assert error_of({"kind": "ConfigError", "message": "a\nb"}).lines == ("a", "b")


if os.geteuid() == 0:

    @pytest.mark.parametrize(
        ("mode", "words"),
        [(0o750, "join its group, root: sudo usermod -aG root"), (0o700, "is another user's alone")],
    )
    def test_who_has_no_right_is_told_whom_to_join(tmp_path: Path, mode: int, words: str) -> None:
        need("setpriv")
        with serving(tmp_path, Answerer()) as (_, path):
            path.parent.chmod(mode)
            program = (
                "import sys; from xylophone.owner.client import connection_to; connection_to(sys.argv[1])"
            )
            command = [*AS_STRANGER, sys.executable, "-c", program, path]
            told = programs.run(command, capture_output=True, text=True).stderr.splitlines()[-1]
        assert told.startswith("xylophone.errors.FileError: ")
        assert words in told


def test_places_of_an_owner_and_where_it_is_looked_for(tmp_path: Path) -> None:
    state = {"STATE_DIRECTORY": "/var/lib/xylophone"}
    system = own_door({"RUNTIME_DIRECTORY": "/run/xylophone", **state})
    assert system == Door(Path("/run/xylophone/owner.sock"), True, Path("/var/lib/xylophone"))
    environ = {"XDG_RUNTIME_DIR": str(tmp_path)}
    mine = own_door(environ)
    assert (mine.path, mine.shared) == (tmp_path / "xylophone" / "owner.sock", False)
    assert own_door({**environ, "RUNTIME_DIRECTORY": str(tmp_path / "xylophone")}).path == mine.path
    assert doors(environ)[:2] == [system, mine]
    named = {**environ, "XYLOPHONE_OWNER": "/elsewhere/sock"}
    assert doors(named) == [own_door(named)]
    assert own_door(named).path == Path("/elsewhere/sock")


def test_of_several_owners_each_keeps_its_own_however_its_socket_is_named(tmp_path: Path) -> None:
    """Else the release of one takes the stop of another off."""
    (tmp_path / "link").symlink_to(tmp_path)
    names = [tmp_path / "a.sock", tmp_path / "b.sock", tmp_path / "link" / "a.sock"]
    states = [own_door({"XYLOPHONE_OWNER": str(name)}).state for name in names]
    assert states[0] != states[1]
    assert states[0] == states[2]
    assert own_door({}).state not in states


def test_what_is_asked_without_waiting_is_answered_in_turn_with_what_comes(tmp_path: Path) -> None:
    """From another thread too; nothing within the time is no error, the end of the owner is."""
    answerer = Answerer()
    with serving(tmp_path, answerer) as (server, path), OwnerClient.connect(path) as client:
        client.do("subscribe", what=["state"])
        assert client.take(0.0) is None
        asking = threading.Thread(target=lambda: client.ask("next"))
        asking.start()
        asking.join()
        refused = client.ask("pause")
        first, second = client.take(programs.PATIENCE), client.take(programs.PATIENCE)
        assert first is not None
        assert second is not None
        assert first["ok"]["did"] == "next"
        assert (second["id"], second["error"]["kind"]) == (refused, "PlayerError")
        server.tell({"event": "fault", "message": "the board has reset"})
        assert client.take(programs.PATIENCE) == {"event": "fault", "message": "the board has reset"}
        server.close()
        assert client.take(programs.PATIENCE) == {"event": "bye", "why": "the owner ends"}
        with pytest.raises(BackendError, match="has ended"):
            client.take(programs.PATIENCE)
