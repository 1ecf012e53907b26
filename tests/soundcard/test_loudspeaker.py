"""The loudspeaker, with a sound library that keeps what it is given to play."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

from xylophone.errors import BackendMissing, MissingExtra
from xylophone.instrument import build_instrument
from xylophone.sound.wav import SAMPLE_RATE
from xylophone.soundcard.loudspeaker import DELAY, Loudspeaker, sound_library
from xylophone.tables import HIT

INSTRUMENT = build_instrument()


class Library(ModuleType):
    """A sound library whose card plays when a test says so."""

    class PortAudioError(Exception):
        pass

    def __init__(self, broken: bool = False) -> None:
        super().__init__("sounddevice")
        self.broken, self.running = broken, False
        self.fill: Callable[..., None] | None = None

    def OutputStream(self, *, callback: Callable[..., None], **_: object) -> Library:
        if self.broken:
            raise self.PortAudioError("Error querying device -1")
        self.fill = callback
        return self

    def start(self) -> None:
        self.running = True

    def close(self) -> None:
        self.running = False

    def play(self, seconds: float) -> np.ndarray:
        out = np.empty((round(seconds * SAMPLE_RATE), 2), np.float32)
        assert self.fill is not None
        self.fill(out, len(out), None, None)
        return out


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    card = Library()
    monkeypatch.setitem(sys.modules, "sounddevice", card)
    return card


def test_a_hit_sounds_the_delay_after_its_time(library: Library) -> None:
    with Loudspeaker(INSTRUMENT) as loudspeaker:
        loudspeaker.start(10.0)
        loudspeaker.hear(np.array([(10.05, 0.0, 0, 5, False)], HIT))
        sound = np.abs(library.play(0.5)).max(axis=1)
        assert library.running
    assert not library.running
    onset = np.argmax(sound > 0.02 * sound.max()) / SAMPLE_RATE
    assert onset == pytest.approx(0.05 + DELAY, abs=0.002)


def test_a_machine_without_the_library_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(MissingExtra, match=r"-m pip install sounddevice"):
        sound_library()


def test_a_machine_without_a_sound_card_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", Library(broken=True))
    with pytest.raises(BackendMissing, match="no sound: Error querying device -1; connect a sound card"):
        Loudspeaker(INSTRUMENT)
