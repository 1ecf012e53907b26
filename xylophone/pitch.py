"""Names of pitches: MIDI number 60 is C4, sharps are printed, flats are understood."""

from __future__ import annotations

import re

from .errors import OptionError

NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_INTERVALS = (
    "a unison", "a semitone", "a whole tone", "a minor third", "a major third", "a fourth", "a tritone",
    "a fifth", "a minor sixth", "a major sixth", "a minor seventh", "a major seventh",
)  # fmt: skip
_COUNTS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}
_ALTERATIONS = {"": 0, "#": 1, "♯": 1, "b": -1, "♭": -1}
_PITCH = re.compile(r"([A-Ga-g])([#b♯♭]?)(-?\d{1,2})\Z")
_NUMBER = re.compile(r"\d{1,3}\Z")


def pitch_name(pitch: int) -> str:
    """Return the name of a MIDI pitch 0..127, sharps only: 60 -> 'C4', 66 -> 'F#4'."""
    _check(pitch, pitch)
    return f"{NAMES[pitch % 12]}{pitch // 12 - 1}"


def parse_pitch(text: str) -> int:
    """Return the MIDI pitch 0..127 that a name ('F#6', 'gb6') or a number ('90') means.

    Raises OptionError for anything else.
    """
    text = text.strip()
    if _NUMBER.match(text):
        return _check(int(text), text)
    found = _PITCH.match(text)
    if not found:
        raise OptionError(f"{text!r} is no pitch: write a name such as C6 or F#5, or a MIDI number 0..127")
    letter, alteration, octave = found.groups()
    step = NAMES.index(letter.upper()) + _ALTERATIONS[alteration]
    return _check(12 * (int(octave) + 1) + step, text)


def interval_words(semitones: int) -> str:
    """Return the name of an interval, up or down: 5 -> 'a fourth', -14 -> 'an octave and a whole tone'."""
    octaves, rest = divmod(abs(semitones), 12)
    words = [_octaves(octaves)] if octaves else []
    return " and ".join(words + ([_INTERVALS[rest]] if rest or not octaves else []))


def _octaves(count: int) -> str:
    return "an octave" if count == 1 else f"{_COUNTS.get(count, str(count))} octaves"


def frequency(pitch: float) -> float:
    """Return the frequency in hertz of a MIDI pitch, equal temperament, A4 = 440 Hz."""
    return float(440.0 * 2.0 ** ((pitch - 69.0) / 12.0))


def _check(pitch: int, given: object) -> int:
    if not 0 <= pitch <= 127:
        raise OptionError(f"pitch {given} is out of range: MIDI pitches go from 0 (C-1) to 127 (G9)")
    return pitch
