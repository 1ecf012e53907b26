"""Running command lines in this process, far from anybody's files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mido
import pytest

import forking
from firmware.building import need
from xylophone.cli import run


@dataclass(frozen=True)
class Ran:
    """What a command line came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def xylophone(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> Callable[..., Ran]:
    """Run a command line in an empty folder, with no configuration but what the test writes there."""
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setenv("XYLOPHONE_OWNER", str(tmp_path / "run" / "owner.sock"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))  # hammers are measured once for all tests
    for name in ("XYLOPHONE_CONFIG", "XYLOPHONE_BACKEND"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> Ran:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return Ran(code, said.out, said.err)

    return call


@pytest.fixture
def midi(tmp_path: Path) -> Callable[..., Path]:
    """Write a MIDI file of notes (pitch, start in quarter notes, length, velocity, channel)."""

    def write(
        *notes: tuple[int, float, float, int, int], name: str = "tune.mid", title: str = "Tune"
    ) -> Path:
        track = mido.MidiTrack([mido.MetaMessage("track_name", name=title)])
        moments = []
        for pitch, start, length, velocity, channel in notes:
            moments.append((start, mido.Message("note_on", note=pitch, velocity=velocity, channel=channel)))
            moments.append((start + length, mido.Message("note_off", note=pitch, channel=channel)))
        before = 0
        for moment, message in sorted(moments, key=lambda row: row[0]):
            tick = round(moment * 480)
            track.append(message.copy(time=tick - before))
            before = tick
        file = mido.MidiFile(tracks=[track])
        file.save(tmp_path / name)
        return tmp_path / name

    return write


@pytest.fixture
def virtual_board(tmp_path: Path, cache: Path) -> Iterator[str]:
    """The port of a virtual board, as `xylophone firmware emulate` runs it."""
    need("cc")
    environment = os.environ | {"XDG_CACHE_HOME": str(cache), "HOME": str(tmp_path)}
    words = ["firmware", "emulate"]
    with forking.Fork(words, stdout=subprocess.PIPE, text=True, env=environment) as emulation:
        assert emulation.stdout is not None
        first, second = emulation.stdout.readline(), emulation.stdout.readline()
        port = first.removeprefix("virtual board on ").split(",")[0]
        assert second == f"xylophone play greensleeves --backend serial://{port}\n"
        yield port
        emulation.send_signal(signal.SIGINT)
        assert emulation.stdout.read() == "\nthe virtual board is off\n"
    assert emulation.returncode == 0


Serve = Callable[..., forking.Fork]


@pytest.fixture
def serve(xylophone: Callable[..., Ran], cache: Path) -> Iterator[Serve]:
    """Start an owner on a backend that strikes nothing, where the commands of the test look for one."""
    with ExitStack() as ending:

        def start(backend: str = "gpio:null") -> forking.Fork:
            words = ["serve", "--mute", "--backend", backend]
            pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
            owner = ending.enter_context(forking.Fork(words, env=os.environ, cwd=os.getcwd(), **pipes))
            ending.callback(owner.kill)
            assert owner.stdout is not None
            assert owner.stdout.readline().startswith(f"the owner of {backend} listens at ")
            return owner

        yield start
