"""Recordings as recorders, telephones and editors write them are read; others are refused in a line."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from xylophone.errors import FileError, TuningError
from xylophone.sound.wav import read_wav, write_wav

RATE = 44100
SOUND = 0.5 * np.sin(np.arange(2000) / 7.0)
SUBTYPE = bytes.fromhex("0000000010008000 00aa00389b71")


def wav(
    data: bytes,
    code: int = 1,
    bits: int = 16,
    *,
    channels: int = 1,
    rate: int = RATE,
    length: int | None = None,
) -> bytes:
    """Return a WAV file whose header says this of its samples; code 0xFFFE + n is an extensible n."""
    extra = struct.pack("<HHIH", 22, bits, 4, code - 0xFFFE) + SUBTYPE if code > 0xFFFE else b""
    size = channels * bits // 8
    form = struct.pack("<HHIIHH", min(code, 0xFFFE), channels, rate, rate * size, size, bits) + extra
    length = len(data) if length is None else length
    body = b"WAVE" + b"LIST" + struct.pack("<I", 3) + b"odd\0" + b"fmt " + struct.pack("<I", len(form)) + form
    return b"RIFF" + struct.pack("<I", length) + body + b"data" + struct.pack("<I", length) + data


def pcm(bits: int, sound: np.ndarray = SOUND) -> bytes:
    steps = np.rint(sound * (2 ** (bits - 1) - 1)).astype("<i4")
    return steps.view(np.uint8).reshape(-1, 4)[:, : bits // 8].tobytes()


@pytest.mark.parametrize(
    ("content", "exact"),
    [
        (wav((SOUND * 127 + 128).astype(np.uint8).tobytes(), bits=8), 0.02),
        (wav(pcm(16)), 1e-4),
        (wav(pcm(24), bits=24), 1e-6),
        (wav(pcm(32), bits=32), 1e-7),
        (wav(SOUND.astype("<f4").tobytes(), 3, 32), 1e-7),
        (wav(SOUND.astype("<f8").tobytes(), 3, 64), 1e-7),
        (wav(pcm(24), 0xFFFF, 24), 1e-6),
        (wav(SOUND.astype("<f4").tobytes(), 0xFFFE + 3, 32), 1e-7),
        (wav(pcm(16), length=0), 1e-4),
        (wav(pcm(16), length=0xFFFFFFFF), 1e-4),
        (wav(pcm(16) + b"\1"), 1e-4),
        (wav(pcm(16, np.stack([0.1 * SOUND, SOUND], axis=1).ravel()), channels=2), 1e-4),
    ],
    ids=[
        *("8 bit", "16 bit", "24 bit", "32 bit", "float", "double", "extensible", "extensible float"),
        *("length 0", "length unknown", "half a sample", "louder channel"),
    ],
)
def test_what_recorders_write_is_read(tmp_path: Path, content: bytes, exact: float) -> None:
    (tmp_path / "a.wav").write_bytes(content)
    sound, rate = read_wav(tmp_path / "a.wav")
    assert (rate, sound.dtype, sound.shape) == (RATE, np.float32, SOUND.shape)
    assert np.abs(sound - SOUND).max() < exact


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", SOUND.astype(np.float32)[:, None], 96000, channels=1, bits=24)
    sound, rate = read_wav(tmp_path / "a.wav")
    assert rate == 96000
    assert np.abs(sound - SOUND).max() < 1e-6


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", r"\(it is empty\)"),
        (b"ID3" + bytes(100), r"\(it does not begin as one\)"),
        (wav(b"")[:30], r"\(its header is broken\)|\(it is cut short within its header\)"),
        (wav(pcm(16), 17, 4), r"\(its format is 17 of 4 bit\)"),
        (wav(pcm(16), 1, 12), r"\(its format is 1 of 12 bit\)"),
        (wav(pcm(16), channels=0), r"\(it says to have 0 channels and 44100 samples a second\)"),
        (wav(pcm(16), rate=0), "0 samples a second"),
        (wav(np.full(9, np.nan, "<f4").tobytes(), 3, 32), "some of its samples are no numbers"),
    ],
    ids=["empty", "mp3", "short", "compressed", "12 bit", "no channel", "no rate", "nan"],
)
def test_what_cannot_be_read_is_refused_in_one_line(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(TuningError, match=rf"a\.wav is no WAV file .*{why}.*: save it as WAV") as caught:
        read_wav(tmp_path / "a.wav")
    assert "\n" not in str(caught.value)


def test_no_sound_and_no_file_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(wav(b""))
    with pytest.raises(TuningError, match=r"a\.wav holds no sound: give the recording"):
        read_wav(tmp_path / "a.wav")
    with pytest.raises(FileError, match=r"cannot read .*check the name"):
        read_wav(tmp_path / "b.wav")
