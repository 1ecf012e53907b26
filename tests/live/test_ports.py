"""Real MIDI ports, of a JACK server without a sound card: keyboards come, play, go, and misbehave."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import programs
from firmware.building import need
from live import jack
from xylophone.live.ports import Inputs, is_keyboard
from xylophone.midifile import load_song


@pytest.fixture(scope="module")
def server() -> Iterator[dict[str, str]]:
    """The environment of programs that find the server; this process has it, too."""
    with jack.served() as seen, pytest.MonkeyPatch.context() as patch:
        for key, value in seen.items():
            patch.setenv(key, value)
        jack.gone(jack.opened("MidiIn", "first"))  # it answers
        yield seen


def until(done: Callable[[], bool]) -> None:
    """Wait for something that other threads and processes do in real time."""
    end = time.monotonic() + programs.PATIENCE
    while not done():
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.01)


def heard(keys: Any, came: list[list[int]], pitch: int) -> bool:
    """Press a key, and tell whether one of this pitch has come: the server needs a while to connect ports."""
    keys.send_message([0x90, pitch, 80])
    time.sleep(0.01)
    return any(message[1] == pitch for message in came)


@pytest.mark.parametrize(
    ("port", "keyboard"),
    [
        ("Keystation 49:Keystation 49 MIDI 1 20:0", True),
        ("Midi Through:Midi Through Port-0 14:0", False),
        ("VMPK Output:out 129:0", False),
        ("system:midi_capture_1", True),
        ("a2j:Keystation 49 [20] (capture): 0", True),
        ("Bitwig Studio:out", False),
        ("Keystation 49", True),  # as macOS and Windows name one
    ],
)
def test_what_is_a_keyboard_and_what_is_a_program(port: str, keyboard: bool) -> None:
    assert is_keyboard(port) == keyboard


def test_a_storm_of_keys_arrives_in_order_and_nothing_else_does(server: dict[str, str]) -> None:
    """A server that a busy machine has held up loses messages of its own accord, so not all need come."""
    came: list[list[int]] = []
    panic = [0xB0, 123, 0]
    with Inputs(came.append):
        keys = jack.connected("sequencer")
        sent = [[0x90 | n % 16, n % 128, 1 + n % 127] for n in range(1000)]
        for message in sent:
            keys.send_message(message)
            time.sleep(0.0005)
        keys.send_message([0xF0, *[1] * 50_000, 0xF7])
        for message in ([0xF8], [0xFE]):
            keys.send_message(message)
        until(lambda: panics(keys, came, panic))
        jack.gone(keys)
    played = [message for message in came if message != panic]
    assert len(played) > 500
    assert sorted(played, key=sent.index) == played


def panics(keys: Any, came: list[list[int]], panic: list[int]) -> bool:
    """Send a panic, and tell whether one has come."""
    keys.send_message(panic)
    time.sleep(0.05)
    return panic in came


def test_ports_that_are_asked_for_are_heard_as_they_come_and_go(server: dict[str, str]) -> None:
    came: list[list[int]] = []
    told: list[str] = []
    with Inputs(came.append, "Stage", told.append) as inputs:
        other = jack.keyboard("elsewhere")
        for visit in range(5):
            keys = jack.keyboard("my stage piano")
            inputs.look()
            assert inputs.heard == ["my stage piano:keys"]
            until(lambda keys=keys, visit=visit: heard(keys, came, 60 + visit))
            jack.gone(keys)
            inputs.look()
            assert inputs.heard == []
        jack.gone(other)
    assert sorted({message[1] for message in came}) == [60, 61, 62, 63, 64]
    assert told == ["hearing my stage piano:keys", "my stage piano:keys has gone"] * 5


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "xylophone", *map(str, words)]


def environment(folder: Path) -> dict[str, str]:
    return os.environ | {"HOME": str(folder), "XDG_CACHE_HOME": str(folder), "PYTHONUNBUFFERED": "1"}


def test_what_is_played_is_struck_shown_and_recorded(server: dict[str, str], tmp_path: Path) -> None:
    words = command("live", "--backend", "gpio:null", "--record", "evening.mid")
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with programs.Program(words, env=environment(tmp_path), cwd=tmp_path, **pipes) as live:
        assert re.match(r"each bar sounds \d\d ms after its key, however loud; ", live.stdout.readline())
        keys = jack.connected("daw")
        moments = []
        for pitch, velocity in ((72, 80), (76, 20), (20, 127), (127, 1)):
            moments.append(time.monotonic())
            keys.send_message([0x90, pitch, velocity])
            assert live.stdout.readline().startswith(("C5 80: C5", "E5 20: E5", "G#0 127: G#4", "G9 1: G6"))
            keys.send_message([0x80, pitch, 0])
            time.sleep(0.2)
        live.send_signal(signal.SIGINT)
        out, err = live.communicate()
        jack.gone(keys)
    assert re.search(r"^wrote evening\.mid, 4 notes\nplayed 4 strikes(; .*)?\n$", out)
    assert err.endswith("xylophone: stopped by Ctrl-C; all coils are off\n")
    assert live.returncode == 130
    song = load_song(tmp_path / "evening.mid")
    assert song.notes["pitch"].tolist() == [72, 76, 20, 127]
    assert song.notes["velocity"].tolist() == [80, 20, 127, 1]
    assert np.diff(song.notes["onset"]) == pytest.approx(np.diff(moments), abs=0.1)  # on a busy machine


def test_ports_are_listed(server: dict[str, str], tmp_path: Path) -> None:
    keys = jack.keyboard("stage piano")
    ran = programs.run(command("ports", "--json"), env=environment(tmp_path), capture_output=True, text=True)
    assert {"name": "stage piano:keys", "keyboard": False} in json.loads(ran.stdout)["inputs"]
    jack.gone(keys)


def test_where_no_system_of_ports_answers_it_is_said_in_a_line(tmp_path: Path) -> None:
    need("rtmidi")
    seen = environment(tmp_path) | {"JACK_DEFAULT_SERVER": "nobody", "JACK_NO_START_SERVER": "1"}
    ran = programs.run(command("ports"), env=seen, capture_output=True, text=True)
    if os.path.exists("/dev/snd/seq"):
        assert ran.returncode == 0
        return
    assert ran.returncode == 3
    assert ran.stderr.splitlines()[-1].startswith("xylophone: no MIDI ports: neither ALSA nor JACK answers")
