"""A sound library whose card records what a test gives it."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np


class Library(ModuleType):
    """Stands for the sounddevice module. `rates` are what the card can do, `own` what it does by itself."""

    class PortAudioError(Exception):
        pass

    def __init__(
        self, *, rates: tuple[int, ...] = (44100, 48000), own: int = 48000, error: str | None = None
    ) -> None:
        super().__init__("sounddevice")
        self.rates, self.own, self.error = rates, own, error
        self.asked: list[dict[str, Any]] = []
        self.queried: list[object] = []
        self.running = self.closed = False
        self.samplerate = 0.0
        self.callback: Callable[..., None] | None = None

    def query_devices(self, device: object, kind: str) -> dict[str, Any]:
        assert kind == "input"
        self.queried.append(device)
        if self.error is not None:
            raise self.PortAudioError(self.error)
        if isinstance(device, str):
            raise ValueError(f"No input device matching {device!r}")
        return {"name": "card", "default_samplerate": float(self.own)}

    def InputStream(self, *, samplerate: int, callback: Callable[..., None], **asked: Any) -> Library:
        self.asked.append({"samplerate": samplerate, **asked})
        if samplerate not in self.rates:
            raise self.PortAudioError("Invalid sample rate [PaErrorCode -9997]")
        self.samplerate, self.callback = float(samplerate), callback
        return self

    def start(self) -> None:
        self.running = True

    def close(self) -> None:
        self.running, self.closed = False, True

    def record(self, *values: float, lost: bool = False) -> None:
        """Let the card record these values."""
        assert self.callback is not None
        block = np.array(values, np.float32)[:, None]
        self.callback(block, len(block), None, SimpleNamespace(input_overflow=lost))
        block[:] = 9.0  # the library uses its buffers again
