"""A JACK server of the test's own, with real MIDI ports, and keyboards on it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import programs
from firmware.building import need
from programs import PATIENCE

OURS = "xylophone:in"


@contextmanager
def served() -> Iterator[dict[str, str]]:
    """Run a server that needs no sound card; yields the environment in which programs find it."""
    need("jackd", "rtmidi")
    name = f"xylophone-{os.getpid()}"
    seen = {"JACK_DEFAULT_SERVER": name, "JACK_NO_START_SERVER": "1", "JACK_NO_AUDIO_RESERVATION": "1"}
    command = ["jackd", "--no-realtime", "--no-mlock", "-n", name, "-d", "dummy", "-r", "48000", "-p", "256"]
    with programs.Program(
        command, stdout=programs.subprocess.DEVNULL, stderr=programs.subprocess.STDOUT
    ) as server:
        try:
            yield seen
        finally:
            server.terminate()  # one that is killed counts as running: a machine may have eight
            server.wait()


def opened(kind: str, name: str) -> Any:
    """Return a MidiOut or MidiIn of rtmidi's on the server, once that answers."""
    import rtmidi

    end = time.monotonic() + PATIENCE
    while True:
        try:
            return getattr(rtmidi, kind)(rtmidi.API_UNIX_JACK, name=name)
        except rtmidi.SystemError:
            assert time.monotonic() < end, "the server does not answer"
            time.sleep(0.05)


def keyboard(name: str) -> Any:
    """Return an output that offers a port of its own, as a keyboard does."""
    midi = opened("MidiOut", name)
    midi.open_virtual_port("keys")
    return midi


def connected(name: str) -> Any:
    """Return an output that plays to our own port, once that is there, as a sequencer does."""
    midi = opened("MidiOut", name)
    end = time.monotonic() + PATIENCE
    while OURS not in midi.get_ports():
        assert time.monotonic() < end, "our port does not come"
        time.sleep(0.02)
    midi.open_port(midi.get_ports().index(OURS), "out")
    return midi


def gone(midi: Any) -> None:
    """Pull a keyboard out."""
    midi.close_port()
    midi.delete()
