"""`play` where an owner runs: its music goes through it, and ends with whoever has asked for it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import forking
import programs
from cli.conftest import Ran, Serve
from cli.test_serve import reaches
from cli.test_suspended import Screen
from xylophone.owner.client import OwnerClient

Run = Callable[..., Ran]
PLAYED = r"played \d+ strikes?(; not played: .*)?"
"""A machine that is too busy loses some."""


def play(*words: object) -> forking.Fork:
    """Start a client, and return when it says that it plays."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    client = forking.Fork(["play", *words], env=environment, cwd=os.getcwd(), **pipes)
    assert client.stdout is not None
    assert re.fullmatch(r"through the owner, process \d+, on gpio:null\n", client.stdout.readline())
    assert client.stdout.readline().startswith("playing ")
    return client


def test_songs_are_played_by_the_owner_and_told_as_ever(
    xylophone: Run, serve: Serve, midi: Callable[..., Path], tmp_path: Path
) -> None:
    owner = serve()
    midi((72, 0, 1, 80, 0), (74, 1, 1, 80, 0), title="First")
    (tmp_path / "bad.mid").write_bytes(b"no music")
    second = midi((72, 0, 1, 80, 0), (74, 1, 1, 80, 0), name="second.mid", title="Second")
    ran = xylophone("play", "tune.mid", "bad.mid", second, "--pause", 0, "--speed", 2)
    lines = ran.out.splitlines()
    assert lines[:3] == [
        f"through the owner, process {owner.pid}, on gpio:null",
        "playing First (1/3)",
        "playing Second (3/3)",
    ]
    assert re.fullmatch(f"{PLAYED}; all coils are off", lines[3])
    assert ran.code == 1
    assert re.search(r"left out: .*bad\.mid is no MIDI file", ran.err)
    assert ran.err.endswith("xylophone: not every song could be played: see above\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_the_music_ends_with_its_client(xylophone: Run, serve: Serve, number: signal.Signals) -> None:
    serve()
    with play("sakura", "twinkle") as client:
        client.send_signal(number)
        out, err = client.communicate()
    state = reaches("idle")
    assert state["queue"]["count"] == 0
    if number == signal.SIGKILL:
        assert client.returncode == -number
    else:
        assert client.returncode == 128 + number
        assert re.fullmatch(PLAYED, out.strip())
        assert err.endswith("; all coils are off\n")
        assert err.count("xylophone: stopped by ") == 1


def test_what_is_detached_plays_on_until_it_is_stopped_and_a_stop_holds(xylophone: Run, serve: Serve) -> None:
    serve()
    ran = xylophone("play", "sakura", "--detach")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.endswith("\nplaying Sakura, sakura\n")
    with play("twinkle") as client:
        assert reaches("playing")["song"]["title"].startswith("Ah, vous dirai-je")
        assert xylophone("stop").code == 0
        err = client.communicate()[1]
    assert client.returncode == 4
    assert "to let it play again: xylophone release" in err
    ran = xylophone("play", "sakura")
    assert (ran.code, ran.err.count("\n")) == (4, 1)
    assert "release it first" in ran.err


def test_one_whose_music_was_taken_over_or_whose_owner_leaves_is_told_in_a_line(
    xylophone: Run, serve: Serve
) -> None:
    owner = serve()
    with play("sakura") as first, play("twinkle") as second:
        err = first.communicate()[1]
        assert first.returncode == 1
        assert "something else was asked for, and plays: Ah, vous dirai-je" in err
        assert reaches("playing")["song"]["title"].startswith("Ah, vous dirai-je")
        owner.terminate()
        err = second.communicate()[1]
        assert second.returncode == 1
        assert re.fullmatch(r"(.*late.*\n)*xylophone: the owner leaves, and the music ends: .*\n", err)


def test_keys_are_orders_to_the_owner_and_the_screen_shows_its_music(xylophone: Run, serve: Serve) -> None:
    serve()
    screen = Screen()
    screen.resize(100)
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), screen.theirs)
    environment = {**os.environ, "TERM": "xterm"}
    with forking.Fork(["play", "sakura"], env=environment, cwd=os.getcwd(), **streams) as client:
        screen.until(b"measure 2")
        os.write(screen.ours, b"-")
        screen.until(b"bpm")
        with OwnerClient.connect() as owner:
            os.write(screen.ours, b" ")
            screen.until(b"paused")
            assert owner.do("state")["state"]["state"] == "paused"
            assert owner.do("state")["state"]["speed"] == pytest.approx(1 / 1.05)
        os.write(screen.ours, b"q")
        screen.until(b"all coils are off")
        assert client.wait(programs.PATIENCE) == 0
    screen.close()


def test_here_plays_without_the_owner(xylophone: Run, serve: Serve, midi: Callable[..., Path]) -> None:
    serve()
    ran = xylophone("play", midi((72, 0, 1, 80, 0)), "--here", "--backend", "gpio:null")
    assert ran.code == 0
    assert re.fullmatch(f"playing Tune\n{PLAYED}; all coils are off\n", ran.out)
    assert reaches("idle")["struck"] == 0
