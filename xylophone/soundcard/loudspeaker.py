"""The loudspeaker: what the simulated hammers strike is heard, where the machine has a sound card."""

from __future__ import annotations

import threading
from typing import Any

from ..errors import BackendMissing, MissingExtra, install
from ..instrument import Instrument
from ..sound.rendering import Renderer
from ..sound.wav import SAMPLE_RATE
from ..tables import Hits, Samples

DELAY = 0.1
"""s between a hit and its sound: hits are known a little before they happen, blocks are cut behind that."""

BLOCK = 1024
"""Frames a block, 21 ms."""


def sound_library(lacking: str = "no sound") -> Any:
    """Return the sounddevice module; MissingExtra with the command where it or PortAudio is missing.

    `lacking` says what there is not for want of it.
    """
    try:
        import sounddevice
    except ImportError as error:
        raise MissingExtra(
            f"{lacking}: the audio library is missing; install it with: {install('sounddevice')}"
        ) from error
    except OSError as error:
        raise MissingExtra(
            f"{lacking}: PortAudio is missing; on Debian and Raspberry Pi OS: sudo apt install libportaudio2"
        ) from error
    return sounddevice


class Loudspeaker:
    """Plays hits (dtype HIT, in backend time) on the default sound card. A context manager."""

    def __init__(self, instrument: Instrument) -> None:
        library = sound_library()
        self._renderer = Renderer(instrument)
        self._lock = threading.Lock()
        try:
            self._stream = library.OutputStream(
                samplerate=SAMPLE_RATE, channels=2, dtype="float32", blocksize=BLOCK, callback=self._fill
            )
        except library.PortAudioError as error:
            raise BackendMissing(f"no sound: {error}; connect a sound card, or play with --mute") from error
        self._started = False

    def start(self, now: float) -> None:
        """Begin to sound; `now` is the present backend time."""
        with self._lock:
            self._renderer.seek(now - DELAY)
        if not self._started:
            self._stream.start()
            self._started = True

    def hear(self, hits: Hits) -> None:
        """Sound these hits, each DELAY after its time."""
        with self._lock:
            self._renderer.add(hits)

    def close(self) -> None:
        """Fall silent and let go of the sound card."""
        self._stream.close()

    def _fill(self, out: Samples, frames: int, _time: object, _status: object) -> None:
        with self._lock:
            out[:] = self._renderer.read(frames)

    def __enter__(self) -> Loudspeaker:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
