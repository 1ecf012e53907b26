"""The microphone, with a sound library that records what it is given."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from soundcard.soundcards import Library
from xylophone.errors import BackendMissing, MissingExtra, TuningError
from xylophone.soundcard.microphone import BLOCK, Microphone


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    return plugged_in(monkeypatch, Library())


def plugged_in(monkeypatch: pytest.MonkeyPatch, card: Library) -> Library:
    monkeypatch.setitem(sys.modules, "sounddevice", card)
    return card


def test_it_records_from_when_it_is_made_until_it_is_closed(library: Library) -> None:
    with Microphone() as microphone:
        assert library.running
        assert microphone.sample_rate == 48000
    assert library.closed
    asked = {"samplerate": 48000, "channels": 1, "dtype": "float32", "blocksize": BLOCK, "device": None}
    assert library.asked == [asked]


def test_it_returns_what_was_recorded_since_the_last_call(library: Library) -> None:
    with Microphone() as microphone:
        assert len(microphone.read()) == 0
        library.record(0.25, -0.5)
        library.record(0.75)
        sound = microphone.read()
        assert (sound.dtype, sound.tolist()) == (np.float32, [0.25, -0.5, 0.75])
        library.record(1.0)
        assert microphone.read().tolist() == [1.0]
        assert microphone.read().tolist() == []


def test_it_is_closed_after_an_error_too(library: Library) -> None:
    with pytest.raises(ZeroDivisionError), Microphone():
        raise ZeroDivisionError
    assert library.closed


@pytest.mark.parametrize(("device", "chosen"), [(None, None), ("3", 3)])
def test_a_card_is_chosen_by_its_number(library: Library, device: str | None, chosen: object) -> None:
    Microphone(device).close()
    assert (library.queried, library.asked[0]["device"]) == ([chosen], chosen)


def test_a_card_with_another_rate_records_with_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    card = plugged_in(monkeypatch, Library(rates=(44100,), own=44100))
    with Microphone() as microphone:
        assert microphone.sample_rate == 44100
    assert [asked["samplerate"] for asked in card.asked] == [48000, 44100]


def test_lost_samples_are_told_however_many_blocks_follow(library: Library) -> None:
    with Microphone() as microphone:
        library.record(0.5, lost=True)
        library.record(0.5)
        for _ in range(2):
            with pytest.raises(TuningError, match=r"sound card lost samples: .* go on with --resume"):
                microphone.read()


def test_a_machine_without_the_library_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(MissingExtra, match=r"^no microphone: .* -m pip install sounddevice"):
        Microphone()


@pytest.mark.parametrize(
    ("card", "device", "words"),
    [
        (
            Library(error="Error querying device -1\nmore"),
            None,
            r"no microphone: Error querying device -1; plug",
        ),
        (Library(error=""), None, "no microphone: none is there; plug one in, name it with --device, or"),
        (Library(), "Blue", "no microphone: No input device matching 'Blue'; plug"),
        (Library(rates=(), own=48000), None, r"no microphone: Invalid sample rate \[.*; plug"),
        (Library(rates=(), own=44100), None, r"no microphone: Invalid sample rate \[.*; plug"),
    ],
    ids=["no device", "no words", "no such name", "no rate", "not even its own rate"],
)
def test_a_machine_without_a_microphone_says_so(
    monkeypatch: pytest.MonkeyPatch, card: Library, device: str | None, words: str
) -> None:
    plugged_in(monkeypatch, card)
    with pytest.raises(BackendMissing, match=words) as caught:
        Microphone(device)
    assert str(caught.value).endswith("or record elsewhere and give --from-wav")
    assert "\n" not in str(caught.value)
