"""The microphone: what a sound card records, from the moment it is opened, without a gap."""

from __future__ import annotations

import queue
from typing import Any

import numpy as np

from ..errors import BackendMissing, TuningError
from ..tables import Samples
from .loudspeaker import sound_library

SAMPLE_RATE = 48000
"""Asked of the sound card first; if it cannot, its own rate is taken."""

BLOCK = 1024


class Microphone:
    """Records one channel of a sound card from when it is made until it is closed. A context manager.

    `device` is the number or a part of the name of an input, None for the system's default. Raises
    BackendMissing where there is none, MissingExtra without the audio library.
    """

    def __init__(self, device: str | None = None) -> None:
        library = sound_library("no microphone")
        self._blocks: queue.SimpleQueue[Samples] = queue.SimpleQueue()
        self._lost = False
        chosen = int(device) if device is not None and device.isdigit() else device
        try:
            own = int(library.query_devices(chosen, "input")["default_samplerate"])
            self._stream = self._open(library, chosen, own)
        except (library.PortAudioError, ValueError) as error:
            reason = str(error).splitlines()[0] if str(error) else "none is there"
            raise BackendMissing(
                f"no microphone: {reason}; plug one in, name it with --device, or record elsewhere "
                "and give --from-wav"
            ) from error
        self.sample_rate = int(self._stream.samplerate)
        self._stream.start()

    def _open(self, library: Any, device: int | str | None, own: int) -> Any:
        asked = {
            "channels": 1,
            "dtype": "float32",
            "blocksize": BLOCK,
            "callback": self._take,
            "device": device,
        }
        try:
            return library.InputStream(samplerate=SAMPLE_RATE, **asked)
        except library.PortAudioError:
            if own == SAMPLE_RATE:
                raise
            return library.InputStream(samplerate=own, **asked)

    def read(self) -> Samples:
        """Return what was recorded since the last call, mono; TuningError where samples were lost."""
        if self._lost:
            raise TuningError(
                "the sound card lost samples: end other programs, or take another sound card, then "
                "go on with --resume"
            )
        blocks = [np.zeros(0, np.float32)]
        while not self._blocks.empty():
            blocks.append(self._blocks.get())
        return np.concatenate(blocks)

    def close(self) -> None:
        """Let go of the sound card."""
        self._stream.close()

    def _take(self, block: Samples, _frames: int, _time: object, status: Any) -> None:
        self._lost = self._lost or bool(status.input_overflow)
        self._blocks.put(block[:, 0].copy())

    def __enter__(self) -> Microphone:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
