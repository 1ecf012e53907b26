"""The owner's server: what clients say is answered or refused, and none of them holds the others up."""

from __future__ import annotations

import os
import select
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

import programs
from counts import examples
from owner.answering import HELLO, Answerer, Wire, serving
from xylophone.errors import BackendMissing, FileError
from xylophone.owner.client import OwnerClient, connection_to
from xylophone.owner.commands import Command
from xylophone.owner.lines import MOST_BYTES
from xylophone.owner.peers import Peer
from xylophone.owner.places import Door
from xylophone.owner.server import MOST_CROWD, Server
from xylophone.owner.session import MOST_AWAITED, MOST_CLIENTS
from xylophone.owner.spread import MOST_EVENTS, Spread

SONGS = [{"path": "/songs/a.mid"}]


@pytest.fixture
def answerer() -> Answerer:
    return Answerer()


@pytest.fixture
def server(tmp_path: Path, answerer: Answerer) -> Iterator[tuple[Server, Path]]:
    with serving(tmp_path, answerer) as found:
        yield found


@pytest.fixture
def path(server: tuple[Server, Path]) -> Path:
    return server[1]


def error(line: dict[str, object]) -> tuple[object, object]:
    """Return whose and which error a line tells."""
    assert set(line) == {"id", "error"}, line
    assert isinstance(line["error"], dict)
    assert "\n" not in line["error"]["message"]
    return line["id"], line["error"]["kind"]


def test_both_begin_with_their_version_and_a_request_has_its_answer(path: Path, answerer: Answerer) -> None:
    with Wire(path, greeted=False) as wire:
        greeting = wire.line()
        assert greeting == {"xylophone": 1, "program": greeting["program"], "zero": 12.5}
        wire.send(HELLO)
        wire.ask(7, "volume", to=60)
        assert wire.line() == {"id": 7, "ok": {"did": "volume", "count": 1}}
    assert answerer.told[0].arguments == {"to": 60}
    assert answerer.peers == {Peer(os.getpid(), os.getuid(), os.getgid())}


@pytest.mark.parametrize("first", [b'{"xylophone":2}', b'{"xylophone":"1"}', b'{"id":1,"do":"stop"}'])
def test_another_version_is_told_both_and_let_go_of(path: Path, answerer: Answerer, first: bytes) -> None:
    with Wire(path, greeted=False) as wire:
        wire.send(first + b'\n{"id":2,"do":"next"}\n')
        _, refusal = wire.rest()
    assert error(refusal) == (None, "OptionError")
    assert "this owner speaks version 1, the client " in refusal["error"]["message"]
    assert answerer.told == []


def test_what_the_owner_refuses_is_told_by_its_kind(path: Path) -> None:
    with Wire(path) as wire:
        for number, name in enumerate(["pause", "resume", "toggle", "unknown"]):
            wire.ask(number, name)
        kinds = [error(wire.line()) for _ in range(4)]
        wire.ask(4, "next")
        assert wire.line()["ok"]["did"] == "next"
    assert kinds == [(0, "PlayerError"), (1, "SafetyError"), (2, "BackendError"), (3, "OptionError")]


def test_answers_come_when_they_are_there_and_others_do_not_wait(path: Path, answerer: Answerer) -> None:
    with Wire(path) as wire:
        for number in (1, 2, 3):
            wire.ask(number, "play", songs=SONGS)
        wire.ask(4, "next")
        assert wire.line()["id"] == 4
        answerer.played[1].set_result({"entries": [5]})
        assert wire.line() == {"id": 2, "ok": {"entries": [5]}}
        answerer.played[0].set_exception(FileError("cannot read /songs/a.mid"))
        assert error(wire.line()) == (1, "FileError")
        answerer.played[2].set_exception(CancelledError())
        assert error(wire.line()) == (3, "BackendError")


def test_of_a_stop_that_the_coils_are_off_is_told_first(path: Path, answerer: Answerer) -> None:
    with Wire(path) as wire:
        wire.ask(1, "stop")
        answerer.stop.first.set_result({"coils": "all coils are off"})
        assert wire.line() == {"id": 1, "coils": "all coils are off"}
        answerer.stop.answer.set_result({"stopped": "by anna"})
        assert wire.line() == {"id": 1, "ok": {"stopped": "by anna"}}


def test_who_awaits_much_can_still_stop(path: Path, answerer: Answerer) -> None:
    with Wire(path) as wire:
        for number in range(MOST_AWAITED + 1):
            wire.ask(number, "play", songs=SONGS)
        assert error(wire.line()) == (MOST_AWAITED, "PlayerError")
        wire.ask(99, "stop")
        answerer.stop.answer.set_result({})
        assert wire.line() == {"id": 99, "ok": {}}


def test_what_was_asked_before_the_end_is_answered(path: Path, answerer: Answerer) -> None:
    with Wire(path) as wire:
        wire.ask(1, "play", songs=SONGS)
        for number in range(2, 100):
            wire.ask(number, "next")
        wire.send(b'{"id":')
        wire.socket.shutdown(socket.SHUT_WR)
        found = [wire.line() for _ in range(98)]
        assert error(wire.line()) == (None, "OptionError")
        answerer.played[0].set_result({})
        assert wire.rest() == [{"id": 1, "ok": {}}]
    assert [line["id"] for line in found] == list(range(2, 100))


LINES = st.lists(
    st.binary(max_size=30).map(lambda line: line.replace(b"\n", b""))
    | st.sampled_from([b'{"id":1,"do":"pauze"}', b"[" * 9999, b'{"id":1e999}', b"x" * MOST_BYTES]),
    max_size=8,
)  # fmt: skip


def test_bad_lines_have_one_error_each_and_the_others_play_on(path: Path) -> None:
    with Wire(path) as other, Wire(path) as wire:

        @examples(100)
        @given(LINES)
        def law(lines: list[bytes]) -> None:
            wire.send(b"".join(line + b"\n" for line in lines))
            wire.ask(8, "next")
            found = [wire.line() for _ in lines]
            assert {error(line)[1] for line in found} <= {"OptionError"}
            assert wire.line()["id"] == 8
            other.ask(9, "next")
            assert other.line()["id"] == 9

        law()


@settings(max_examples=25)
@given(st.binary(max_size=300))
def test_random_bytes_end_nothing(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    with serving(tmp_path_factory.mktemp("f"), Answerer()) as (_, path), Wire(path) as other:
        with Wire(path, greeted=False) as wire:
            wire.send(content)
            wire.socket.shutdown(socket.SHUT_WR)
            assert all("error" in line for line in wire.rest()[1:])
        other.ask(1, "next")
        assert other.line()["ok"]["did"] == "next"


def test_a_line_that_has_begun_has_to_end_but_silence_may_last(tmp_path: Path) -> None:
    with serving(tmp_path, Answerer(), patience=0.05) as (_, path), Wire(path) as silent, Wire(path) as wire:
        wire.send(b'{"id":1,')
        found = wire.rest()  # waits for the server's end
        assert [error(line) for line in found] == [(None, "OptionError")]
        assert "not ended within 0.05 s" in found[0]["error"]["message"]
        silent.ask(1, "next")
        assert silent.line()["id"] == 1


def test_who_has_subscribed_is_told_and_begins_with_how_things_are(server: tuple[Server, Path]) -> None:
    serves, path = server
    with Wire(path) as first, Wire(path) as second, Wire(path) as none:
        for wire, what in ((first, ["state"]), (second, ["ahead"])):
            wire.ask(1, "subscribe", what=what)
            assert wire.line() == {"id": 1, "ok": {}}
        for event in ("state", "ahead", "back", "fault", "bye"):
            serves.tell({"event": event})
        assert [first.line()["event"] for _ in range(3)] == ["state", "fault", "bye"]
        assert [second.line()["event"] for _ in range(3)] == ["ahead", "back", "bye"]
        none.ask(2, "next")
        assert none.line()["id"] == 2
        none.ask(3, "subscribe", what=["state"])
        assert none.line() == {"id": 3, "ok": {}}
        assert none.line() == {"event": "state"}


def told(serves: Server, event: dict[str, object], wire: Wire, number: int) -> None:
    """Tell an event, and wait until all have been sent it."""
    serves.tell(event)
    wire.ask(number, "next")
    while wire.line().get("id") != number:
        pass


def test_a_slow_client_gets_the_newest_state_and_the_others_all(server: tuple[Server, Path]) -> None:
    serves, path = server
    with Wire(path) as slow, Wire(path) as quick:
        slow.ask(1, "subscribe", what=["state", "ahead"])
        assert slow.line()["id"] == 1
        much = "x" * 4000
        for number in range(300):
            told(serves, {"event": "ahead", "strikes": much, "number": number}, quick, number)
            told(serves, {"event": "state", "rev": number, "state": much}, quick, number)
        found = []
        while not found or found[-1].get("rev") != 299:
            found.append(slow.line())
        revs = [line["rev"] for line in found if line["event"] == "state"]
        assert revs == sorted(revs)
        assert len(revs) < 200
        strikes = [line["number"] for line in found if line["event"] == "ahead"]
        assert strikes == list(range(len(strikes)))
        assert len(strikes) * 4000 < 2_000_000


def test_a_client_that_never_reads_is_let_go_of(tmp_path: Path) -> None:
    with (
        serving(tmp_path, Answerer(), patience=0.05) as (serves, path),
        Wire(path) as deaf,
        Wire(path) as wire,
    ):
        deaf.ask(1, "subscribe", what=["ahead"])
        assert deaf.line()["id"] == 1
        for number in range(100):
            told(serves, {"event": "ahead", "strikes": "x" * 9000}, wire, number)
        gone = select.poll()
        gone.register(deaf.socket, 0)
        assert gone.poll(1000 * programs.PATIENCE) == [(deaf.socket.fileno(), select.POLLHUP)]


def test_a_client_that_asks_without_reading_costs_little(path: Path) -> None:
    """It is not read from while its answers wait, so that they cannot pile up."""
    with Wire(path) as deaf, Wire(path) as wire:
        deaf.socket.settimeout(0.2)
        with pytest.raises(TimeoutError):
            deaf.send(b"\n" * 2**26)
        wire.ask(1, "next")
        assert wire.line()["id"] == 1
        deaf.socket.settimeout(programs.PATIENCE)
        assert [error(deaf.line()) for _ in range(1000)] == [(None, "OptionError")] * 1000


def test_beyond_the_last_place_one_may_only_stop(server: tuple[Server, Path], answerer: Answerer) -> None:
    _, path = server
    with ExitStack() as all_of:
        wires = [all_of.enter_context(Wire(path)) for _ in range(MOST_CLIENTS + 1)]
        wires[-1].ask(1, "next")
        refusal = wires[-1].line()
        assert error(refusal) == (1, "PlayerError")
        assert f"{MOST_CLIENTS} clients are connected already" in refusal["error"]["message"]
        wires[-2].ask(1, "next")
        assert wires[-2].line()["ok"]["did"] == "next"
        answerer.stop.answer.set_result({})
        wires[-1].ask(2, "stop")
        assert wires[-1].line() == {"id": 2, "ok": {}}
        for _ in range(MOST_CROWD - 1):
            all_of.enter_context(Wire(path))
        with Wire(path, greeted=False) as wire:
            assert wire.rest() == []
        wires.pop(0).close()
        wires[-2].ask(3, "next")
        assert wires[-2].line()["id"] == 3


def test_nobody_else_gets_in(tmp_path: Path, path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o750)
    with Server(Answerer(), dict, Door(shared / "owner.sock", True, tmp_path)):
        assert stat.S_IMODE((shared / "owner.sock").stat().st_mode) == 0o660
        assert stat.S_IMODE(shared.stat().st_mode) == 0o750


def test_the_folder_of_a_socket_that_was_named_stays_as_it_is(tmp_path: Path) -> None:
    """It may be one that others need: /tmp, /run, a home."""
    tmp_path.chmod(0o755)
    for folder, mode in ((tmp_path, 0o755), (tmp_path / "new", 0o700)):
        with Server(Answerer(), dict, Door(folder / "owner.sock", False, tmp_path, named=True)):
            assert stat.S_IMODE(folder.stat().st_mode) == mode
            assert stat.S_IMODE((folder / "owner.sock").stat().st_mode) == 0o600


def test_a_second_owner_is_refused_by_the_first_one_s_number(path: Path) -> None:
    door = Door(path, False, path.parent)
    with pytest.raises(BackendMissing, match=f"an owner runs already as process {os.getpid()}"):
        Server(Answerer(), dict, door).start()
    with OwnerClient.connect(path) as client:
        assert client.do("next")["did"] == "next"


def test_a_dead_owner_s_socket_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "run" / "owner.sock"
    program = "\n".join(
        (
            "import os, sys; from pathlib import Path",
            "from xylophone.owner.places import Door; from xylophone.owner.server import Server",
            "path = Path(sys.argv[1])",
            "Server(lambda *_: {}, dict, Door(path, False, path.parent)).start()",
            "print('there', flush=True); sys.stdin.read(); os._exit(9)",
        )
    )
    command = [sys.executable, "-c", program, str(path)]
    with programs.Program(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"there\n"
        with connection_to(path) as connection:
            assert Peer.of(connection).pid == owner.pid
        with pytest.raises(BackendMissing, match=f"process {owner.pid}"):
            Server(Answerer(), dict, Door(path, False, tmp_path)).start()
        owner.kill()
    assert path.is_socket()
    with serving(tmp_path, Answerer()), Wire(path) as wire:
        wire.ask(1, "next")
        assert wire.line()["id"] == 1


def test_where_there_can_be_no_socket_one_line_says_why(tmp_path: Path) -> None:
    long, file, foreign = tmp_path / ("x" * 108) / "o", tmp_path / "file", tmp_path / "run" / "owner.sock"
    file.write_text("")
    foreign.parent.mkdir()
    foreign.write_text("somebody's")
    for path, words in (
        (long, "a socket's at most 107"),
        (file / "run" / "o", "set XDG_RUNTIME_DIR"),
        (foreign, "it is there and no socket: delete it"),
    ):
        with pytest.raises(FileError, match=words) as refused:
            Server(Answerer(), dict, Door(path, False, tmp_path)).start()
        assert "\n" not in str(refused.value)
    assert foreign.read_text() == "somebody's"


def test_who_is_there_is_told_when_the_owner_leaves(tmp_path: Path) -> None:
    with serving(tmp_path, Answerer()) as (serves, path):
        wire = Wire(path)
        wire.ask(1, "subscribe", what=["state"])
        assert wire.line()["id"] == 1
        serves.close("SIGTERM")
        assert wire.rest() == [{"event": "bye", "why": "SIGTERM"}]
        wire.close()


def test_events_that_nobody_takes_do_not_pile_up() -> None:
    spread = Spread()
    spread.put({"event": "fault"})
    for number in range(2 * MOST_EVENTS):
        spread.put({"event": "ahead", "number": number})
        spread.put({"event": "state", "rev": number})
    found = spread.take()
    assert len(found) <= MOST_EVENTS
    assert {"event": "fault"} in found
    assert [event for event in found if event["event"] == "state"] == [{"event": "state", "rev": 511}]
    assert spread.put({"event": "fault"})
    assert not spread.put({"event": "fault"})


def test_the_end_of_a_connection_is_told_with_the_peer_that_asked(tmp_path: Path) -> None:
    """Also where it says only that it asks for nothing more; another of the same process stays."""
    asked: list[Peer] = []
    left: SimpleQueue[Peer] = SimpleQueue()

    def answer(command: Command, who: Peer) -> dict[str, Any]:
        asked.append(who)
        return {}

    path = tmp_path / "run" / "owner.sock"
    serves = Server(answer, dict, Door(path, False, tmp_path), left=left.put)
    with serves, Wire(path) as stays, Wire(path) as leaves:
        for wire in (leaves, stays):
            wire.ask(1, "state")
            assert wire.line() == {"id": 1, "ok": {}}
        leaves.socket.shutdown(socket.SHUT_WR)
        assert left.get(timeout=programs.PATIENCE) is asked[0]
        assert asked[0] is not asked[1]
