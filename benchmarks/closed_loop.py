"""Tuning in closed loop: hammers whose true curves are never shown, a microphone, and the songs after.

    pip install --no-deps tinysoundfont pretty_midi     # sounds that this project did not make
    python benchmarks/closed_loop.py [--seeds 10] [--songs 29] [--kind zye1-0530]
                                     [--layout song-bell] [--bars steel]

Each seed is another set of hammers of ordinary tolerance. Errors are of all strikes of the songs, the
common offset of each performance removed; they hold the scatter from strike to strike, which no tuning can
remove: the row with the true calibration shows how much that is. Exit code 1 says that a figure is missed.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path

import click
import numpy as np
from startup import Figure, show, table

from xylophone import (
    Arrangement,
    Calibration,
    Instrument,
    arrange,
    build_instrument,
    calibration_for,
    load_song,
    sequence,
    songs,
    strikes_of,
)
from xylophone.backends.simulated import SimulatedBackend
from xylophone.clock import VirtualClock
from xylophone.instrument import DEFAULT_BARS
from xylophone.performance.simulate import constant_latency, perform
from xylophone.simulation.bench import measure
from xylophone.simulation.ear import Room, SimulatedEar, SimulatedMicrophone, pink_noise
from xylophone.simulation.hammers import Twin
from xylophone.sound.position import Position
from xylophone.tuning.analysis import Analysis, analyse
from xylophone.tuning.auto_session import AutoSession
from xylophone.tuning.diagnosis import diagnose
from xylophone.tuning.picker import pick
from xylophone.tuning.sag import result_of

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from xylophone.simulation.faults import FaultyTwin, Planted

SAMPLE_RATE = 48000
XYLOPHONE, MARIMBA = 13, 12
"""Programs of General MIDI, from 0."""

PLACES = (Position(), Position(0.0, 0.3))
"""The good place of a microphone, and a bad one: 0.3 m before the lowest bar."""


@dataclass(frozen=True)
class Errors:
    """Of performances: timing in s and level in dB, and how many strikes were not heard."""

    timing: np.ndarray
    level: np.ndarray
    missed: int


@dataclass(frozen=True)
class Tuned:
    """What one session came to."""

    errors: Errors
    strikes: int
    seconds: float  # of the session
    analysis: float  # s that the analysis of the whole takes
    false: tuple[str, ...]  # faults named of healthy hammers


@cache
def music(layout: str, kind: str, bars: str, count: int) -> tuple[Instrument, list[Arrangement]]:
    """Return the instrument and the project's songs, arranged for it."""
    instrument = build_instrument(layout, kind, bars)
    chosen = songs()[:: max(1, len(songs()) // count)]
    return instrument, [arrange(load_song(song.path), instrument) for song in chosen]


def heard(calibration: Calibration, twin: Twin, arrangements: Iterable[Arrangement]) -> Errors:
    """Return the errors of all songs, played by what is known of the hammers."""
    timing, level, missed = [], [], 0
    for arrangement in arrangements:
        plan = sequence(strikes_of(arrangement.notes), arrangement.instrument, calibration)
        performance = perform(plan, twin)
        late = performance.timing_error
        timing.append(late - np.nanmedian(late))
        level.append(performance.level_error_db)
        missed += performance.summary()["missed"]
    times, levels = np.concatenate(timing), np.concatenate(level)
    return Errors(times[~np.isnan(times)], levels[~np.isnan(levels)], missed)


def session(twin: Twin, room: Room) -> tuple[AutoSession, Analysis]:
    """Play a whole session before a simulated microphone."""
    backend = SimulatedBackend(twin.instrument, VirtualClock(), twin)
    ear = SimulatedEar(backend, SimulatedMicrophone(twin.instrument, room))
    running = AutoSession(backend, ear, calibration_for(twin.instrument, None), room.position)
    return running, running.run()


def tuned(seed: int, room: Room, scatter: float, layout: str, kind: str, bars: str, count: int) -> Tuned:
    """Tune one set of hammers and play the songs."""
    instrument, arrangements = music(layout, kind, bars, count)
    twin = Twin(instrument, seed, 0.0003 * scatter)
    running, analysis = session(twin, replace(room, seed=seed))
    default = calibration_for(instrument, None)
    begin = time.perf_counter()
    analyse(running.takes, instrument, default, room.position)
    took = time.perf_counter() - begin
    trials = analysis.evidence.trials
    length = float(trials["start"][-1] - trials["start"][0])
    errors = heard(result_of(analysis), twin, arrangements)
    return Tuned(errors, len(trials), length, took, tuple(str(found) for found in diagnose(analysis)))


def known(seed: int, what: str, layout: str, kind: str, bars: str, count: int) -> Errors:
    """Play the songs with the true calibration, the default one, or one constant latency."""
    instrument, arrangements = music(layout, kind, bars, count)
    twin, default = Twin(instrument, seed), calibration_for(instrument, None)
    calibrations = {
        "true": lambda: measure(twin),
        "default": lambda: default,
        "constant": lambda: constant_latency(default),
    }
    return heard(calibrations[what](), twin, arrangements)


def planted(seed: int, layout: str, kind: str, bars: str) -> tuple[list[str], list[str]]:
    """Plant each fault once, and return those that were not named, and those named where there is none."""
    instrument = build_instrument(layout, kind, bars)
    places = np.random.default_rng(seed).permutation(len(instrument))[:6].tolist()
    faults = dict(zip(places[:4], Planted, strict=True))
    twin = FaultyTwin(instrument, seed, faults=faults, swapped=((places[4], places[5]),))
    _, analysis = session(twin, Room(seed=seed))
    names = [hammer.name for hammer in instrument.hammers]
    there = {(names[place], fault.value) for place, fault in faults.items()}
    there |= {(names[place], "swapped") for place in places[4:]}
    found = {(ailment.hammer, ailment.fault.value) for ailment in diagnose(analysis)}
    return [f"{a} {b}" for a, b in sorted(there - found)], [f"{a} {b}" for a, b in sorted(found - there)]


def soundfont() -> Path:
    """Return the soundfont that pretty_midi brings."""
    spec = find_spec("pretty_midi")
    if spec is None or spec.origin is None or find_spec("tinysoundfont") is None:
        sys.exit("the picker's figures need: pip install --no-deps tinysoundfont pretty_midi")
    return Path(spec.origin).parent / "TimGM6mb.sf2"


def bank(program: int) -> np.ndarray:
    """Return the sound of pitches 67..96, (30, frames), mono, as a soundfont player makes it."""
    import tinysoundfont

    sounds = []
    for pitch in range(67, 97):
        player = tinysoundfont.Synth(samplerate=SAMPLE_RATE)
        player.program_select(0, player.sfload(str(soundfont())), 0, program)
        player.noteon(0, pitch, 100)
        stereo = np.frombuffer(player.generate(SAMPLE_RATE), dtype=np.float32).reshape(-1, 2)
        sounds.append(stereo.mean(axis=1).astype(np.float64))
    return np.array(sounds)


def picked(sounds: np.ndarray, snr_db: float, count: int, seed: int = 1) -> np.ndarray:
    """Return errors in s of onsets picked while three other bars ring; NaN where none was found.

    The constant of each bar is taken off: its sample need not begin at its very first frame. SNR is of the
    RMS of the first 50 ms to that of pink noise; onsets lie between frames too.
    """
    chance = np.random.default_rng(seed)
    power = np.sqrt(np.mean(sounds[:, : SAMPLE_RATE // 20] ** 2, axis=1))[:, None]
    sounds = sounds / power
    errors = np.full((-(-count // len(sounds)), len(sounds)), np.nan)
    length, middle = SAMPLE_RATE // 2, SAMPLE_RATE // 4
    for number in range(count):
        bar = number % len(sounds)
        onset = middle + chance.uniform(-0.01, 0.01) * SAMPLE_RATE
        sound = pink_noise(length, SAMPLE_RATE, chance) * 10.0 ** (-snr_db / 20.0)
        _add(sound, _shifted(sounds[bar], onset % 1.0), int(onset))
        for before in (0.24, 0.6, 0.9):
            _add(
                sound,
                sounds[chance.integers(len(sounds))] * 10 ** (chance.uniform(-10, 6) / 20),
                int(onset - before * SAMPLE_RATE),
            )
        found = pick(
            sound, SAMPLE_RATE, middle - round(0.015 * SAMPLE_RATE), middle + round(0.02 * SAMPLE_RATE)
        )
        if found is not None:
            errors[number // len(sounds), bar] = (found - onset) / SAMPLE_RATE
    return (errors - np.nanmedian(errors, axis=0)).ravel()[:count]


def _add(sound: np.ndarray, other: np.ndarray, first: int) -> None:
    """Add a sound that begins at a frame, which may be before the beginning."""
    begin, end = max(0, first), min(len(sound), first + len(other))
    sound[begin:end] += other[begin - first : end - first]


def _shifted(sound: np.ndarray, part: float) -> np.ndarray:
    """Return a sound later by a part of a frame."""
    spectrum = np.fft.rfft(sound, 2 * len(sound))
    turn = np.exp(-1j * np.pi * np.arange(len(spectrum)) * part / len(sound))
    return np.fft.irfft(spectrum * turn)[: len(sound)]


def of_errors(
    name: str,
    every: list[Errors],
    bounds: tuple[float, ...],
    aim: float | None,
    level: tuple[float, float] | None,
) -> list[Figure]:
    """Return the rows of timing and level of many performances."""
    timing = 1e3 * np.abs(np.concatenate([errors.timing for errors in every]))
    levels = np.abs(np.concatenate([errors.level for errors in every]))
    missed = sum(errors.missed for errors in every)
    note = f"{missed} of {len(timing) + missed} missed" if missed else ""
    return [
        Figure(
            f"{name}: timing p95 / max",
            (float(np.percentile(timing, 95)), float(timing.max())),
            "ms",
            bounds,
            () if aim is None else (aim,),
            note=note,
        ),
        Figure(
            f"{name}: level p95",
            (float(np.percentile(levels, 95)),),
            "dB",
            level[:1] if level else (),
            level[1:] if level else (),
        ),
    ]


def of_picker(count: int) -> list[Figure]:
    """Return the rows of the onset picker on sounds of a soundfont."""
    rows = []
    for name, program, snr, bound, aim in (
        ("xylophone, 40 dB", XYLOPHONE, 40.0, (0.15, 1.0), (0.05,)),
        ("xylophone, 20 dB", XYLOPHONE, 20.0, (0.3,), ()),
        ("marimba, 40 dB", MARIMBA, 40.0, (), ()),
        ("marimba, 20 dB", MARIMBA, 20.0, (), ()),
    ):
        errors = 1e3 * picked(bank(program), snr, count)
        lost = int(np.isnan(errors).sum())
        known_ = errors[~np.isnan(errors)]
        values = float(known_.std()), float(np.abs(known_).max())
        rows.append(
            Figure(
                f"onset picker, {name}: SD / max of {count}",
                values,
                "ms",
                bound,
                aim,
                digits=3,
                note=f"{lost} not found" if lost else "",
            )
        )
    return rows


@click.command()
@click.option("--seeds", default=10, show_default=True, type=click.IntRange(1), help="Sets of hammers.")
@click.option(
    "--songs", "count", default=29, show_default=True, type=click.IntRange(1), help="Songs, at most."
)
@click.option("--onsets", default=1000, show_default=True, type=click.IntRange(60), help="Onsets to pick.")
@click.option("--kind", default="zye1-0530", show_default=True)
@click.option("--layout", default="song-bell", show_default=True)
@click.option("--bars", default=DEFAULT_BARS, show_default=True)
def main(seeds: int, count: int, onsets: int, kind: str, layout: str, bars: str) -> None:
    """Print the figures of tuning as a table."""
    figures = of_picker(onsets)
    where = {"layout": layout, "kind": kind, "bars": bars}
    hard = Room(snr_db=30.0, ppm=100.0, knocks=0.5)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        runs = range(seeds)
        front, side = (
            list(pool.map(partial(tuned, room=Room(place), scatter=1.0, count=count, **where), runs))
            for place in PLACES
        )
        harder = list(pool.map(partial(tuned, room=hard, scatter=10 / 3, count=count, **where), runs))
        others = {
            what: list(pool.map(partial(known, what=what, count=count, **where), runs))
            for what in ("true", "default", "constant")
        }
        faults = list(pool.map(partial(planted, **where), runs))
    figures += of_errors(
        "tuned, microphone in front", [one.errors for one in front], (1.5, 4), 0.8, (1.5, 1.0)
    )
    figures += of_errors(
        "tuned, microphone at the low end", [one.errors for one in side], (1.5, 4), 0.8, (1.5, 1.0)
    )
    figures += of_errors("true calibration", others["true"], (), None, None)
    figures += of_errors("default curves", others["default"], (), None, None)
    figures += of_errors("one constant latency", others["constant"], (), None, None)
    figures += of_errors(
        "1 ms scatter, 30 dB SNR, 100 ppm, knocks",
        [one.errors for one in harder],
        (2.25, 6),
        None,
        (2.25, 1.5),
    )
    healthy = [line for one in (*front, *side, *harder) for line in one.false]
    unnamed, wrong = ([line for pair in faults for line in pair[side]] for side in (0, 1))
    figures += [
        Figure(
            "faults planted and not named",
            (len(unnamed),),
            f"of {6 * seeds}",
            (0,),
            digits=0,
            note=", ".join(unnamed),
        ),
        Figure(
            "named where there is none",
            (len(wrong) + len(healthy),),
            "",
            (0,),
            digits=0,
            note=", ".join(wrong + healthy),
        ),
        Figure("length of a session, longest", (max(one.seconds for one in front) / 60,), "min", (6,), (3,)),
        Figure("the same, 1 ms scatter", (max(one.seconds for one in harder) / 60,), "min", (6,)),
        Figure("analysis of a session, longest", (max(one.analysis for one in front),), "s", (10,), (2,)),
    ]
    show(table(f"{seeds} sets of {kind}, {layout}, {bars}", figures))
    sys.exit(any(figure.missed for figure in figures))


if __name__ == "__main__":
    main()
