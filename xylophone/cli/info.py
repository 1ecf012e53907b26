"""`xylophone info`: what a song becomes on the instrument, and what is in force; it starts fast."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any, TypeVar

import click

from ..arranger import Arrangement, Cost, arrange, judge, preset
from ..arranger.account import describe
from ..arranger.silence import without_silence
from ..arranger.table import costs_json, shifts_json
from ..collection.prepared import KEEPS_IT, Asked, LeftOut, titled
from ..config import Saved
from ..errors import XylophoneError
from ..pitch import pitch_name
from ..song import Song
from ..words import clock_time, counted
from .options import setting_options, settings
from .printing import say, say_json, warn_all
from .song_options import arrange_options, complete_songs, find_all, load, song_options

SHOWN_CHANGES = 20

_TRIED, _TUNE_LEADS = ("music-box", "solo"), "faithful"
"""Presets that may mend a song, and the one that may where its voices are equals; it is usual elsewhere."""

_COUNTED = ("transpose", "kept", "folded", "replaced", "merged", "dropped")

_GOOD, _BETTER = 90, 3
"""A song with fewer points than this is tried with other presets; told is what has so many points more."""

Value = TypeVar("Value")


@click.command()
@click.argument("names", metavar="[SONG]...", nargs=-1, shell_complete=complete_songs)
@setting_options
@click.option("--backend", metavar="URL", help="Backend to look up, in place of the configured one.")
@arrange_options
@song_options
@click.option("--changes", is_flag=True, help="Print every change to the notes.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON (docs/cli.md).")
def info(names: tuple[str, ...], changes: bool, as_json: bool, **options: Any) -> None:
    """Say what a song becomes on the instrument; without a song, what instrument and backend are in force."""
    found = settings(options)
    asked = Asked.take(options, found)
    if not names:
        _print_settings(found, as_json)
        return
    reports = []
    paths, failed = find_all(names)
    for path in paths:
        try:
            song = load(path, asked.encoding, quiet=as_json)
            saved, arrangement = asked.saved(path), asked.arrange(path, song, found.instrument)
        except XylophoneError as error:
            if len(paths) == 1:
                raise
            warn_all(LeftOut(path, error).words)
            failed = error
            continue
        tried = better(arrangement, asked.arguments(saved))
        if as_json:
            reports.append(as_dict(arrangement, saved, tried))
        else:
            _print_song(arrangement, path, saved, tried, changes)
    if as_json:
        say_json(reports[0] if len(names) == len(paths) == 1 else reports, indent=2)
    if failed:
        raise type(failed)("not every song could be read: see above")


def better(arrangement: Arrangement, arguments: dict[str, Any]) -> dict[str, int]:
    """Return the options that were tried and make a song better, each with its score, the best first.

    They are tried where points are lacking, in the same transposition if there is one; `arguments` made all.
    That a tune leads is tried in counterpoint only.
    """
    score = judge(arrangement).score
    if score >= _GOOD or not len(arrangement.notes):
        return {}
    found = {}
    for name in _TRIED if arrangement.counterpoint is None else (_TUNE_LEADS, *_TRIED):
        others = arguments | {"weights": preset(name)}
        if len(arrangement.shifts) == 1:
            others["transpose"] = arrangement.transpose
        found[f"--preset {name}"] = judge(arrange(arrangement.song, arrangement.instrument, **others)).score
    best = sorted(found, key=lambda option: -found[option])
    return {option: found[option] for option in best if found[option] >= score + _BETTER}


def as_dict(
    arrangement: Arrangement, saved: Saved | None = None, tried: dict[str, int] | None = None
) -> dict[str, Any]:
    """Return the stable, documented JSON of `info` for one song.

    `saved` is what was taken up beside it, `tried` are options that make it better.
    """
    song, notes, quality = arrangement.song, arrangement.song.notes, judge(arrangement)
    played, silence = without_silence(arrangement)
    return {
        "title": song.title or None,
        "duration": played.song.duration,
        "silence": silence or None,
        "notes": len(song),
        "tempo_bpm": main_tempo(song),
        "lowest": int(notes["pitch"].min()) if len(song) else None,
        "highest": int(notes["pitch"].max()) if len(song) else None,
        "instrument": arrangement.instrument.name,
        **{key: getattr(arrangement, key) for key in _COUNTED},
        "shifts": shifts_json(arrangement),
        "score": quality.score,
        "melody": quality.melody or None,
        "costs": costs_json(quality),
        "better": tried or {},
        "words": list(describe(arrangement)),
        "saved": str(saved.path) if saved else None,
        **_texts(song),
    }


def _texts(song: Song) -> dict[str, Any]:
    """Return what the file's texts are, and what was damaged in it."""
    return {
        "lyrics": len(song.lyrics),
        "encoding": song.encoding.name,
        "encoding_guessed": song.encoding.guessed,
        "warnings": list(song.warnings),
    }


def main_tempo(song: Song) -> float:
    """Return the tempo, in quarter notes a minute, that holds for the longest part of the song."""
    return float(_longest(song.tempos["bpm"].tolist(), song.tempos["time"].tolist(), song.duration))


def main_meter(song: Song) -> str:
    """Return the time signature, as '6/8', that holds for the longest part of the song."""
    meters = song.meters
    names = [f"{n}/{d}" for n, d in zip(meters["numerator"], meters["denominator"], strict=True)]
    return _longest(names, meters["quarter"].tolist(), song.quarter_at(song.duration))


def _longest(values: list[Value], begins: list[float], end: float) -> Value:
    """Return the value that holds longest, each from its beginning to the next one's or the end."""
    held: dict[Value, float] = {}
    for value, (begin, until) in zip(
        values, itertools.pairwise([*begins, max(end, begins[-1])]), strict=True
    ):
        held[value] = held.get(value, 0.0) + until - begin
    return max(held, key=lambda value: held[value])


def _print_song(
    arrangement: Arrangement, path: Path, saved: Saved | None, tried: dict[str, int], all_changes: bool
) -> None:
    played, silence = without_silence(arrangement)
    _print_written(arrangement.song, path, played.song.duration)
    if silence:
        _line("silence", f"{silence.removeprefix('silence is ')}; {KEEPS_IT} in play and simulate")
    if saved:
        _line("saved", f"{saved.path} is taken up; --no-saved leaves it out")
    _line("instrument", _instrument(arrangement.instrument))
    shifts = [semitones for _, semitones in arrangement.shifts]
    told = [counted(semitones, "semitone", spec="+d") if semitones else "not at all" for semitones in shifts]
    _line("transposed", ", then ".join(told))
    dropped = arrangement.dropped
    reasons = ", ".join(f"{count} {reason}" for reason, count in dropped.items())
    _line("kept", str(arrangement.kept))
    _line("folded", f"{arrangement.folded} by octaves")
    if arrangement.replaced:
        _line("replaced", f"{arrangement.replaced} by the bar next to it")
    _line("merged", f"{arrangement.merged} with the same bar at the same moment")
    _line("dropped", f"{sum(dropped.values())}{f' ({reasons})' if reasons else ''}")
    print_account(arrangement)
    if tried:
        _line("better", ", ".join(f"{option}: {score}" for option, score in tried.items()))
    shown = None if all_changes else SHOWN_CHANGES
    for change in itertools.islice(arrangement.changes, shown):
        say(f"  {change}")
    if shown is not None and len(arrangement.changes) > shown:
        say(f"  and {len(arrangement.changes) - shown} more: --changes prints them all")


def _print_written(song: Song, path: Path, played: float) -> None:
    """Print what the song is before anything is done to it, and how many seconds are played."""
    _line("song", titled(song, path))
    _line("duration", f"{clock_time(played)}, {main_tempo(song):.4g} bpm, {main_meter(song)}")
    pitches = song.notes["pitch"].tolist()
    told = f"{len(song)}, {pitch_name(min(pitches))} to {pitch_name(max(pitches))}" if pitches else "none"
    _line("notes", told)
    for track in song.tracks:
        channels = ", ".join(str(channel + 1) for channel in track.channels)
        plural = "s" if len(track.channels) > 1 else ""
        name = track.name or "unnamed"
        _line(f"track {track.number}", f"{name}: {counted(track.notes, 'note')}, channel{plural} {channels}")
    if song.lyrics:
        _line("lyrics", f"{len(song.lyrics):,} syllables")
    if song.encoding.guessed:
        _line("texts", f"read as {song.encoding.name}, a guess from few letters: --encoding gives another")


def print_account(arrangement: Arrangement) -> None:
    """Print the score, what costs a point or more, and in words what was done."""
    quality = judge(arrangement)
    _line("score", f"{quality.score} of 100")
    costs = [f"{cost.points:.1f} points: {_cost_words(cost)}" for cost in quality.costs if cost.points >= 1]
    for name, lines in (("costs", costs), ("in words", describe(arrangement))):
        for place, line in enumerate(lines):
            _line("" if place else name, line)


def _cost_words(cost: Cost) -> str:
    return cost.words if cost.share == 1 and cost.points == 100 else f"{100 * cost.share:.0f} % {cost.words}"


def _print_settings(found: Any, as_json: bool) -> None:
    instrument = found.instrument
    if as_json:
        say_json(found.as_dict(), indent=2)
        return
    _line("instrument", _instrument(instrument))
    kind = instrument.kind
    _line("hammers", f"{kind.name}: {kind.about}")
    _line(
        "supply",
        f"{instrument.supply_limit:g} A: at most "
        f"{counted(instrument.largest_chord, 'hammer')} at one instant",
    )
    for name, line in found.lines():
        _line(name, line)


def _instrument(instrument: Any) -> str:
    bars = instrument.hammers
    most = f"at most {instrument.largest_chord} at one instant"
    return f"{instrument.name}, {counted(len(bars), 'bar')} {bars[0].name}..{bars[-1].name}, {most}"


def _line(name: str, text: str) -> None:
    say(f"{name + ':' if name else '':<13} {text}")
