"""Tunes written as MIDI files in many guises, and work for processes that goes wrong."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

from midifile import smf

Melody = list[tuple[int, int]]
"""Pitch and length in ticks of 480 a quarter note, one note after the other."""


def melody(seed: int, notes: int = 60) -> Melody:
    """A tune like no other: steps and small leaps around C5, in mixed lengths."""
    chance = random.Random(seed)
    pitch, line = 72, []
    for _ in range(notes):
        pitch = min(84, max(62, pitch + chance.choice((-5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 7))))
        line.append((pitch, chance.choice((240, 240, 480, 480, 720, 960))))
    return line


def tune_bytes(
    line: Melody,
    *,
    higher: int = 0,
    micros: int = 500_000,
    program: int = 0,
    chords: tuple[int, ...] = (),
    words: bytes = b"",
    title: bytes = b"Tune",
) -> bytes:
    """A file with a tune, higher by semitones, so many microseconds a quarter; chords sound below it."""
    sung = [smf.note(pitch + higher, ticks, 90) for pitch, ticks in line]
    tracks = [
        smf.track(smf.meta(3, title), smf.meta(1, words), smf.tempo(micros), smf.program(program), *sung)
    ]
    if chords:
        beats = sum(ticks for _, ticks in line) // 960
        root = [(36 + higher + chords[beat % len(chords)]) for beat in range(beats)]
        below = [smf.note(pitch, 960, 60, channel=1) for pitch in root]
        tracks.append(smf.track(smf.meta(3, b"Accompaniment"), *below))
    return smf.song(*tracks)


def write(path: Path, content: bytes) -> Path:
    """Write a file, and the folders that it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def work(item: str) -> str:
    """Do as the item says: die, hang, raise, or be turned round."""
    if item == "die":
        os._exit(3)
    if item.startswith("die once: ") and not os.path.exists(marker := item.partition(": ")[2]):
        Path(marker).touch()
        os._exit(3)
    if item == "be killed":
        os.kill(os.getpid(), signal.SIGTERM)
    while item == "hang":
        pass
    if item == "raise":
        raise ValueError("as asked")
    return item[::-1]


def standing(_: str) -> tuple[int, int]:
    """Return how nice this process is, and how soon it is ended where memory runs out."""
    return os.nice(0), int(Path("/proc/self/oom_score_adj").read_text())
