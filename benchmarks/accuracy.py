"""What is heard beside what was planned: all songs of the project on simulated hammers.

    python benchmarks/accuracy.py [--seeds 3] [--kind zye1-0530] [--layout song-bell]

Each seed is another set of hammers of ordinary tolerance. The scatter from strike to strike is 0.3 ms
and 0.3 dB SD unless a row says otherwise. The token bucket is reckoned again here, strike by strike.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import click
import numpy as np
from rich.console import Console
from rich.table import Table as Grid

from xylophone import (
    Calibration,
    Instrument,
    Performance,
    Plan,
    arrange,
    build_instrument,
    calibration_for,
    load_song,
    sequence,
    songs,
    strikes_of,
)
from xylophone.simulation.bench import measure
from xylophone.simulation.hammers import Twin
from xylophone.simulator import constant_latency, perform


@dataclass
class Tally:
    """What was gathered over many performances."""

    timing: list[np.ndarray] = field(default_factory=list)
    score: list[np.ndarray] = field(default_factory=list)
    level: list[np.ndarray] = field(default_factory=list)
    chords: list[np.ndarray] = field(default_factory=list)
    strikes: int = 0
    refused: int = 0
    rolled: int = 0
    missed: int = 0
    doubled: int = 0
    current: float = 0.0
    planned_current: float = 0.0
    bucket: float = 0.0  # fullest, as a part of its capacity

    def add(self, performance: Performance) -> None:
        """Add one performance."""
        summary, plan = performance.summary(), performance.plan
        self.timing.append(performance.timing_error)
        self.score.append(performance.score_error)
        self.level.append(performance.level_error_db)
        self.chords.append(performance.chord_spreads)
        self.strikes += summary["strikes"]
        self.refused += sum(summary["refused"].values())
        self.rolled += summary["rolled"]
        self.missed += summary["missed"]
        self.doubled += summary["double"]
        self.current = max(self.current, summary["peak_current"])
        self.planned_current = max(self.planned_current, plan.peak_current)
        self.bucket = max(self.bucket, fullest(plan))


def fullest(plan: Plan) -> float:
    """Return how full the fullest token bucket gets, as a part of its capacity, by a plain loop."""
    used: dict[int, tuple[float, float]] = {}
    most = 0.0
    for start, width, channel in plan.pulses[["start", "width", "channel"]].tolist():
        hammer = plan.instrument.hammers[channel]
        before, since = used.get(channel, (0.0, start))
        now = max(0.0, before - hammer.refill * (start - since)) + width
        used[channel] = now, start
        most = max(most, now / hammer.capacity)
    return most


def percentile(parts: Iterable[np.ndarray], percent: float) -> float:
    """Return a percentile of absolute values, those that were not heard left out."""
    values = np.abs(np.concatenate(list(parts)))
    return float(np.percentile(values[~np.isnan(values)], percent))


def play_all(instrument: Instrument, seeds: int, scatter: float, knows: str) -> Tally:
    """Play every song on every set of hammers; `knows` is 'bench', 'default' or 'constant'."""
    tally = Tally()
    arrangements = [arrange(load_song(song.path), instrument) for song in songs()]
    for seed in range(seeds):
        twin = Twin(instrument, seed, 0.0003 * scatter, 0.3 * scatter)
        calibration = known(instrument, twin, knows)
        for arrangement in arrangements:
            plan = sequence(strikes_of(arrangement.notes), instrument, calibration)
            tally.add(perform(plan, twin, arrangement.song.title))
    return tally


def known(instrument: Instrument, twin: Twin, knows: str) -> Calibration:
    """Return what the sequencer knows of the hammers."""
    if knows == "bench":
        return measure(twin)
    default = calibration_for(instrument, None)
    return constant_latency(default) if knows == "constant" else default


@click.command()
@click.option("--seeds", default=3, show_default=True, help="How many sets of hammers.")
@click.option("--kind", default="zye1-0530", show_default=True)
@click.option("--layout", default="song-bell", show_default=True)
def main(seeds: int, kind: str, layout: str) -> None:
    """Print the figures of accuracy as a table."""
    instrument = build_instrument(layout, kind)
    true = play_all(instrument, seeds, 1.0, "bench")
    exact = play_all(instrument, seeds, 0.0, "bench")
    default, constant = (play_all(instrument, seeds, 1.0, knows) for knows in ("default", "constant"))

    def ms(parts: list[np.ndarray]) -> str:
        p95, most = percentile(parts, 95), percentile(parts, 100)
        return f"p95 {1000 * p95:.2f} ms, max {1000 * most:.2f} ms"

    def share(count: int, of: Tally) -> str:
        return f"{count} of {of.strikes} ({100 * count / of.strikes:.2f} %)"

    grid = Grid(
        title=f"{len(songs())} songs on {seeds} sets of {len(instrument)} {kind}: {true.strikes} strikes"
    )
    for head in ("figure", "measured", "at least", "aim"):
        grid.add_column(head)
    for row in (
        ("timing error, true calibration", ms(true.timing), "1 / 3 ms", "0.7 / 1.8 ms"),
        ("the same, scatter 0", ms(exact.timing), "0.5 ms p95", "0.3 / 1 ms"),
        ("against the score, rolled chords apart", ms(true.score), "3 / 6 ms", "1.5 / 4 ms"),
        ("timing error, default curves", f"{ms(default.timing)}, {default.missed} missed", "beside", ""),
        (
            "timing error, one constant latency",
            f"{ms(constant.timing)}, {constant.missed} missed",
            "beside",
            "",
        ),
        ("level error, true calibration", f"p95 {percentile(true.level, 95):.2f} dB", "1 dB", "0.75 dB"),
        ("chord spread, rolled chords apart", ms(true.chords), "p95 5 ms", "3 ms"),
        (
            "current planned / drawn",
            f"{true.planned_current:.2f} / {true.current:.2f} A",
            f"{instrument.supply_limit:g} A",
            "",
        ),
        ("fullest token bucket", f"{100 * true.bucket:.1f} %", "100 %", ""),
        ("refused", share(true.refused, true), "0.5 %", "0"),
        ("rolled", str(true.rolled), "", ""),
        ("missed or doubled", share(true.missed + true.doubled, true), "0.1 %", "0"),
    ):
        grid.add_row(*row)
    Console(width=120).print(grid)


if __name__ == "__main__":
    main()
