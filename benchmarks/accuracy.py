"""What is heard beside what was planned, on simulated hammers: the project's songs, and harder music.

    python benchmarks/accuracy.py [--seeds 3] [--dense 20] [--kind zye1-0530] [--layout song-bell]

Each seed is another set of hammers of ordinary tolerance. The scatter from strike to strike is 0.3 ms
and 0.3 dB SD unless a row says otherwise. Current, token bucket and recovery of every plan are reckoned
again here by plain loops, apart from the sequencer's code. Exit code 1 says that a figure is missed.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import click
import numpy as np
from rich.console import Console
from rich.progress import track
from startup import Figure, show, table

from xylophone import (
    Arrangement,
    Calibration,
    Instrument,
    Performance,
    Plan,
    Song,
    arrange,
    build_instrument,
    calibration_for,
    load_song,
    sequence,
    songs,
    strikes_of,
)
from xylophone.performance.simulate import constant_latency, perform
from xylophone.simulation.bench import measure
from xylophone.simulation.hammers import Twin
from xylophone.tables import NOTE, Refusal

Parts = list[np.ndarray]

Blow = tuple[float, int]
"""Onset in seconds, pitch."""


def chords(chance: np.random.Generator, start: float, end: float, pitches: Sequence[int]) -> Iterator[Blow]:
    """Yield chords of one to ten notes, 0.12 to 0.6 s apart."""
    while start < end:
        count = min(len(pitches), int(chance.integers(1, 11)))
        yield from ((start, int(pitch)) for pitch in chance.choice(pitches, count, replace=False))
        start += float(chance.uniform(0.12, 0.6))


def run(chance: np.random.Generator, start: float, end: float, pitches: Sequence[int]) -> Iterator[Blow]:
    """Yield a scale up and down, a note each 40 to 120 ms."""
    gap, place = float(chance.uniform(0.04, 0.12)), int(chance.integers(len(pitches)))
    there_and_back = [*pitches, *pitches[-2:0:-1]]
    for number, onset in enumerate(np.arange(start, end, gap).tolist()):
        yield onset, there_and_back[(place + number) % len(there_and_back)]


def repeats(chance: np.random.Generator, start: float, end: float, pitches: Sequence[int]) -> Iterator[Blow]:
    """Yield one or two notes again and again, 50 to 140 ms apart: more than a hammer can do, at times."""
    gap = float(chance.uniform(0.05, 0.14))
    notes = chance.choice(pitches, min(len(pitches), int(chance.integers(1, 3))), replace=False).tolist()
    for onset in np.arange(start, end, gap).tolist():
        yield from ((onset, pitch) for pitch in notes)


def dense_song(seed: int, pitches: Sequence[int], seconds: float = 30.0, layers: int = 2) -> Song:
    """Return random music on the given pitches, denser than any song; a seed gives the same every time.

    Every layer changes its figuration and its loudness each 1 to 3 s.
    """
    chance = np.random.default_rng(seed)
    rows = []
    for number in range(layers):
        start = 0.0
        while start < seconds:
            end = min(seconds, start + float(chance.uniform(1.0, 3.0)))
            loud = int(chance.integers(25, 116))
            play = (chords, run, repeats)[chance.integers(3)]
            for onset, pitch in play(chance, start, end, pitches):
                velocity = loud + int(chance.integers(0, 12))
                rows.append((onset, 0.1, velocity, 0.0, number, pitch, velocity, number, 11, False))
            start = end
    notes = np.array(rows, NOTE)
    return Song(notes[np.argsort(notes["onset"], kind="stable")], f"dense {seed}", duration=seconds)


def tremolo(pitches: Sequence[int], seconds: float = 240.0, gap: float = 0.075) -> Song:
    """Return two bars struck together as loud as can be, again and again, until their coils are hot."""
    onsets = np.repeat(np.arange(0.0, seconds, gap), 2)
    notes = np.zeros(len(onsets), NOTE)
    notes["onset"], notes["duration"] = onsets, gap / 2
    notes["loudness"] = notes["velocity"] = 127
    middle = len(pitches) // 2
    notes["pitch"] = np.tile(pitches[middle : middle + 2], len(onsets) // 2)
    return Song(notes, "tremolo", duration=seconds)


@dataclass
class Tally:
    """What was gathered over many performances; laws as the part of a limit that was used at most."""

    timing: Parts = field(default_factory=list)
    score: Parts = field(default_factory=list)
    level: Parts = field(default_factory=list)
    chords: Parts = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    strikes: int = 0
    moved: int = 0
    rolled: int = 0
    missed: int = 0
    doubled: int = 0
    planned_current: float = 0.0  # A
    drawn_current: float = 0.0  # A
    bucket: float = 0.0  # the fullest, as a part of its capacity
    spacing: float = np.inf  # the closest two strikes of one hammer, as a part of its recovery

    def add(self, performance: Performance) -> None:
        """Add one performance."""
        summary, plan = performance.summary(), performance.plan
        self.timing.append(performance.timing_error)
        self.score.append(performance.score_error)
        self.level.append(performance.level_error_db)
        self.chords.append(performance.chord_spreads)
        self.refused.update(summary["refused"])
        self.strikes += summary["strikes"]
        self.moved += int(np.count_nonzero(np.nan_to_num(performance.moved)))
        self.rolled += summary["rolled"]
        self.missed += summary["missed"]
        self.doubled += summary["double"]
        self.planned_current = max(self.planned_current, heaviest(plan))
        self.drawn_current = max(self.drawn_current, summary["peak_current"])
        self.bucket = max(self.bucket, fullest(plan))
        self.spacing = min(self.spacing, closest(plan))

    @property
    def lost(self) -> str:
        """How many strikes were sent and not heard, in words."""
        return f"{100 * self.missed / max(1, self.strikes):.1f} % missed"


def heaviest(plan: Plan) -> float:
    """Return the most current that the plan's coils draw together in amperes, each at its full current."""
    amperes = {hammer.channel: hammer.current for hammer in plan.instrument.hammers}
    edges = []
    for start, width, channel in plan.pulses[["start", "width", "channel"]].tolist():
        edges += [(start, amperes[channel]), (start + width, -amperes[channel])]
    most = total = 0.0
    for _, change in sorted(edges):  # at one moment what ends comes first
        total += change
        most = max(most, total)
    return most


def fullest(plan: Plan) -> float:
    """Return how full the fullest token bucket of on-time gets, as a part of its capacity."""
    hammers = {hammer.channel: hammer for hammer in plan.instrument.hammers}
    used: dict[int, tuple[float, float]] = {}
    most = 0.0
    for start, width, channel in plan.pulses[["start", "width", "channel"]].tolist():
        hammer = hammers[channel]
        before, since = used.get(channel, (0.0, start))
        now = max(0.0, before - hammer.refill * (start - since)) + width
        used[channel] = now, start
        most = max(most, now / hammer.capacity)
    return most


def closest(plan: Plan) -> float:
    """Return the least time between two planned contacts of one hammer, as a part of its recovery."""
    sent = plan.rows[plan.rows["refused"] == Refusal.NONE]
    contacts = zip((sent["time"] + sent["moved"]).tolist(), sent["hammer"].tolist(), strict=True)
    last: dict[int, float] = {}
    least = np.inf
    for contact, place in sorted(contacts):
        gap = contact - last.get(place, -np.inf)
        least = min(least, gap / plan.instrument.hammers[place].recovery)
        last[place] = contact
    return float(least)


def percentiles(parts: Parts, *percents: float) -> tuple[float, ...]:
    """Return percentiles of absolute values, what was not heard left out; NaN where nothing is left."""
    values = np.abs(np.concatenate(parts))
    values = values[~np.isnan(values)]
    return tuple(float(np.percentile(values, percent)) if len(values) else np.nan for percent in percents)


@dataclass(frozen=True)
class Stage:
    """The music to be played and the sets of hammers that play it, their true calibration measured once."""

    instrument: Instrument
    music: Sequence[Arrangement]
    true: Sequence[Calibration]

    def performances(self, known: Sequence[Calibration], scatter: float) -> Iterator[Performance]:
        """Yield every piece on every set of hammers, of which the sequencer knows what is `known`."""
        for seed, calibration in enumerate(known):
            twin = Twin(self.instrument, seed, 0.0003 * scatter, 0.3 * scatter)
            for arrangement in self.music:
                plan = sequence(strikes_of(arrangement.notes), self.instrument, calibration)
                yield perform(plan, twin, arrangement.song.title)

    def tally(self, what: str, known: Sequence[Calibration], scatter: float = 1.0) -> Tally:
        """Return the figures of all performances; a terminal is shown how far they are."""
        tally, console = Tally(), Console(stderr=True)
        played, count = self.performances(known, scatter), len(self.music) * len(known)
        silent = not console.is_terminal
        for performance in track(played, what, count, console=console, transient=True, disable=silent):
            tally.add(performance)
        return tally


def timing(
    name: str, parts: Parts, at_least: tuple[float, ...] = (), aim: tuple[float, ...] = (), note: str = ""
) -> Figure:
    """Return p95 and maximum of times as a figure in ms."""
    return Figure(
        name, tuple(1000 * value for value in percentiles(parts, 95, 100)), "ms", at_least, aim, note=note
    )


def laws(tally: Tally, instrument: Instrument) -> list[Figure]:
    """Return the figures of what must never be exceeded."""
    limit, used = instrument.supply_limit, (tally.planned_current, tally.drawn_current)
    return [
        Figure("supply limit: planned / drawn at most", used, "A", (limit, limit)),
        Figure("coil token bucket: the fullest", (100 * tally.bucket,), "%", (100.0,), digits=1),
        Figure("recovery: the closest strikes", (100 * tally.spacing,), "%", (100.0,), more=True, digits=1),
    ]


def counts(
    tally: Tally, refused: tuple[float, ...] = (), failed: tuple[float, ...] = (), aim: tuple[float, ...] = ()
) -> list[Figure]:
    """Return the shares of strikes that were refused, missed or doubled, and what was re-timed."""
    share = 100 / max(1, tally.strikes)
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(tally.refused.items()))
    wrong = f"{tally.missed} missed, {tally.doubled} doubled"
    return [
        Figure("strikes refused", (share * tally.refused.total(),), "%", refused, aim, note=reasons),
        Figure(
            "strikes missed or doubled",
            (share * (tally.missed + tally.doubled),),
            "%",
            failed,
            aim,
            note=wrong,
        ),
        Figure("strikes re-timed", (share * tally.moved,), "%", note=f"{tally.rolled} chords rolled"),
    ]


def of_songs(stage: Stage) -> list[Figure]:
    """Return the figures that the project asks of its own songs."""
    default = [calibration_for(stage.instrument, None)] * len(stage.true)
    constant = [constant_latency(calibration) for calibration in default]
    true, exact = stage.tally("songs", stage.true), stage.tally("no scatter", stage.true, 0.0)
    untuned, simple = stage.tally("default curves", default), stage.tally("constant latency", constant)
    return [
        timing("timing error, true calibration: p95 / max", true.timing, (1, 3), (0.7, 1.8)),
        timing("the same, scatter 0", exact.timing, (0.5,), (0.3, 1)),
        timing("against the score, rolled chords apart", true.score, (3, 6), (1.5, 4)),
        timing("timing error, default curves", untuned.timing, note=untuned.lost),
        timing("timing error, one constant latency", simple.timing, note=simple.lost),
        Figure("level error: p95 / max", percentiles(true.level, 95, 100), "dB", (1,), (0.75,)),
        timing("chord spread, rolled apart: p95 / max", true.chords, (5,), (3,)),
        *laws(true, stage.instrument),
        *counts(true, (0.5,), (0.1,), (0,)),
    ]


@dataclass(frozen=True)
class Asked:
    """What p95 and maximum of errors may be at least and at best: timing in ms, level in dB."""

    timing: tuple[float, ...] = ()
    timing_aim: tuple[float, ...] = ()
    level: tuple[float, ...] = ()
    level_aim: tuple[float, ...] = ()


DENSE = Asked((1, 2), (0.7, 1.5), (1, 3), (0.75, 2))
"""Of random dense music, at least and the aim."""


def of_stress(what: str, stage: Stage, asked: Asked) -> list[Figure]:
    """Return the figures of music that asks too much; of its counts nothing is asked but the laws."""
    tally = stage.tally(what, stage.true)
    level = percentiles(tally.level, 95, 100)
    return [
        timing("timing error, true calibration: p95 / max", tally.timing, asked.timing, asked.timing_aim),
        timing("against the score, rolled chords apart", tally.score),
        Figure("level error: p95 / max", level, "dB", asked.level, asked.level_aim),
        timing("chord spread, rolled apart: p95 / max", tally.chords),
        *laws(tally, stage.instrument),
        *counts(tally),
    ]


@click.command()
@click.option("--seeds", default=3, show_default=True, type=click.IntRange(1), help="Sets of hammers.")
@click.option("--dense", default=20, show_default=True, type=click.IntRange(1), help="Random pieces.")
@click.option("--kind", default="zye1-0530", show_default=True)
@click.option("--layout", default="song-bell", show_default=True)
def main(seeds: int, dense: int, kind: str, layout: str) -> None:
    """Print the figures of accuracy as tables."""
    instrument = build_instrument(layout, kind)
    pitches = instrument.pitches.tolist()
    true = [measure(Twin(instrument, seed)) for seed in range(seeds)]

    def stage(music: Iterable[Song]) -> Stage:
        return Stage(instrument, [arrange(song, instrument) for song in music], true)

    hammers = f"{seeds} sets of {len(instrument)} {kind}"
    figures = of_songs(stage(load_song(song.path) for song in songs()))
    show(table(f"{len(songs())} songs, {hammers}", figures))
    for name, music, asked in (
        (
            f"{dense} pieces of random dense music",
            [dense_song(seed, pitches) for seed in range(dense)],
            DENSE,
        ),
        ("four minutes of tremolo on two bars, as loud as can be", [tremolo(pitches)], Asked()),
    ):
        stress = of_stress(name, stage(music), asked)
        show(table(f"{name}, {hammers}", stress))
        figures += stress
    sys.exit(any(figure.missed for figure in figures))


if __name__ == "__main__":
    main()
