"""Hammers that nobody has tuned before: how loud each one really strikes after a session with a microphone.

    python benchmarks/strangers.py [--sets 100] [--first 2000] [--world plain] [--bars steel]
                                   [--jobs 1] [--songs 2]

Each set is another seed: other hammers and, in the worlds that are not plain, another room, microphone,
layout, kind of hammer and bars. After its session every hammer is struck on the bench, free of scatter, with
the pulses that its new calibration gives for nine levels of the common loudness: by how much it is louder or
softer than asked, in the mean and beside the median hammer, is its level error. Exit code 1 says that a
figure is missed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import click
import numpy as np
from closed_loop import heard, music
from startup import Figure, show, table

from xylophone import Calibration, build_instrument, calibration_for
from xylophone.backends.simulated import SimulatedBackend
from xylophone.clock import VirtualClock
from xylophone.errors import TuningError
from xylophone.instrument import DEFAULT_BARS, KINDS, LAYOUTS, MATERIALS, Instrument
from xylophone.simulation.curve_bench import Condition, Rig
from xylophone.simulation.ear import Room, SimulatedEar, SimulatedMicrophone
from xylophone.simulation.hammers import Twin
from xylophone.sound.bars import Bars
from xylophone.sound.position import Position
from xylophone.sound.rendering import BLOCK, Renderer
from xylophone.tables import Samples
from xylophone.tuning.auto_session import AutoSession
from xylophone.tuning.diagnosis import diagnose
from xylophone.tuning.sag import result_of

ASKED = 9
"""Levels at which each hammer is judged, from the softest to the loudest of the common loudness."""

WRONG, RIGHT = 1.5, 0.7
"""dB of mean level error beyond which a hammer must be named, and within which it must not."""


@dataclass(frozen=True)
class World:
    """All that a session meets: hammers, bars, room, microphone. Bars are out of tune by `detuned` cents,
    and their decay is that of the model times a factor within `dull`, one each."""

    seed: int
    room: Room
    layout: str = "song-bell"
    kind: str = "zye1-0530"
    bars: str = DEFAULT_BARS
    scatter: float = 0.0003  # s, from strike to strike
    uneven: float = 0.3  # dB, from strike to strike
    sample_rate: int = 48000
    detuned: float = 0.0
    dull: tuple[float, float] = (1.0, 1.0)


def plain(seed: int) -> World:
    """The instrument and the room that the project takes as usual."""
    return World(seed, Room(seed=seed))


def rooms(seed: int) -> World:
    """The usual instrument in any room, the microphone anywhere before it."""
    return replace(plain(seed), **_anywhere(np.random.default_rng((1, seed)), seed))


def makers(seed: int) -> World:
    """Any layout, kind of hammers and bars in the usual room."""
    return replace(plain(seed), **_any_make(np.random.default_rng((2, seed))))


def everything(seed: int) -> World:
    """Any instrument in any room."""
    chance = np.random.default_rng((3, seed))
    return replace(plain(seed), **_any_make(chance), **_anywhere(chance, seed))


def _anywhere(chance: np.random.Generator, seed: int) -> dict[str, object]:
    room = Room(
        Position(float(chance.uniform(-0.1, 1.0)), float(chance.uniform(0.25, 2.0))),
        snr_db=float(chance.uniform(30.0, 60.0)),
        knocks=float(chance.choice([0.0, 0.0, 0.3, 0.6])),
        late=float(chance.uniform(0.01, 0.5)),
        ppm=float(chance.uniform(-100.0, 100.0)),
        gain=float(chance.uniform(0.2, 0.9)),
        seed=seed,
    )
    return {
        "room": room,
        "scatter": float(chance.uniform(0.0002, 0.001)),
        "uneven": float(chance.uniform(0.2, 0.6)),
        "sample_rate": int(chance.choice([22050, 44100, 48000])),
    }


def _any_make(chance: np.random.Generator) -> dict[str, object]:
    return {
        "layout": str(chance.choice(sorted(LAYOUTS))),
        "kind": str(chance.choice(sorted(KINDS))),
        "detuned": float(chance.uniform(0.0, 15.0)),
        "dull": (float(chance.uniform(0.5, 1.0)), float(chance.uniform(1.0, 3.0))),
        "bars": str(chance.choice(tuple(MATERIALS))),
    }


WORLDS: dict[str, Callable[[int], World]] = {
    "plain": plain,
    "rooms": rooms,
    "makers": makers,
    "everything": everything,
}


class OddBars(Renderer):
    """Makes the sound of bars that are out of tune, and ring longer or shorter than the model's."""

    def __init__(self, instrument: Instrument, world: World, gains: np.ndarray) -> None:
        super().__init__(instrument, world.sample_rate, gains)
        chance = np.random.default_rng((4, world.seed))
        hertz, decay = self._bars.hertz.copy(), self._bars.decay.copy()
        hertz[:, :4] *= 2.0 ** (world.detuned * chance.standard_normal((len(hertz), 1)) / 1200.0)
        decay[:, :4] *= np.exp(chance.uniform(*np.log(world.dull), (len(hertz), 1)))
        self._bars = Bars(hertz, decay, self._bars.sine)
        self._turn = -decay + 2j * np.pi * hertz
        waves = np.exp(self._turn[:, :, None] * np.arange(BLOCK) / world.sample_rate)
        self._waves = np.stack((waves.real, -waves.imag), axis=2).astype(np.float32)

    def _ring(self, out: Samples, bar: int, state: np.ndarray) -> None:
        parts = np.ascontiguousarray(state).view(np.float64).astype(np.float32)
        out += parts @ self._waves[bar].reshape(-1, BLOCK)[: len(parts), : len(out)]


@dataclass(frozen=True)
class Judged:
    """What one set of hammers came to: of each its name, its mean level error (dB), how far that is known,
    and as what it was named; length of the session in s, the 95th percentile of the timing error of songs, s,
    and how many dB of loudness all hammers share. Or why nothing could be tuned."""

    world: World
    names: tuple[str, ...]
    error: np.ndarray
    doubt: np.ndarray
    named: dict[str, str]
    seconds: float
    timing: float
    shared: float = 0.0
    refused: str = ""


def session_of(world: World) -> tuple[AutoSession, Twin]:
    """Return the session of a world that is to be run, and its hammers."""
    instrument = build_instrument(world.layout, world.kind, world.bars)
    twin = Twin(instrument, world.seed, world.scatter, world.uneven)
    backend = SimulatedBackend(instrument, VirtualClock(), twin)
    bars = len(instrument)
    gains = world.room.loud(bars) * 10.0 ** (-world.room.position.losses(bars) / 20.0)
    odd = world.detuned or world.dull != (1.0, 1.0)
    sounding = OddBars(instrument, world, gains[None, :]) if odd else None
    microphone = SimulatedMicrophone(instrument, world.room, world.sample_rate, sounding)
    default = calibration_for(instrument, None)
    return AutoSession(backend, SimulatedEar(backend, microphone), default, world.room.position), twin


def level_errors(calibration: Calibration, twin: Twin) -> np.ndarray:
    """Return by how many dB each hammer is louder on the bench than its calibration says, beside the median
    one; NaN where one that is asked does not arrive at its bar."""
    low, high = calibration.common_range()
    asked = np.clip(
        np.linspace(low, high, ASKED)[None, :], calibration.level[:, :1], calibration.level[:, -1:]
    )
    width = [np.interp(*row) for row in zip(asked, calibration.level, calibration.width, strict=True)]
    hammer = np.repeat(np.arange(len(asked)), ASKED)
    _, level = Rig(twin.hammers, twin.setting).strike(hammer, np.concatenate(width), Condition())
    error = (level.reshape(asked.shape) - asked).mean(axis=1)
    return np.asarray(error - np.nanmedian(error))


def judged(seed: int, world: str, bars: str | None, songs: int) -> Judged:
    """Tune one set of hammers and strike them on the bench, then play some songs."""
    met = WORLDS[world](seed)
    met = replace(met, bars=bars or met.bars)
    session, twin = session_of(met)
    try:
        analysis = session.run()
    except TuningError as error:
        return Judged(met, (), np.empty(0), np.empty(0), {}, 0.0, 0.0, refused=str(error))
    calibration, trials = result_of(analysis), analysis.evidence.trials
    error = level_errors(calibration, twin)
    named = {ailment.hammer: ailment.fault.value for ailment in diagnose(analysis)}
    timing = 0.0
    if songs:
        _, arrangements = music(met.layout, met.kind, met.bars, songs)
        timing = float(np.percentile(np.abs(heard(calibration, twin, arrangements[:songs]).timing), 95))
    seconds = float(trials["start"][-1] - trials["start"][0])
    doubt = np.array([analysis.level_doubt(place) for place in range(len(error))])
    low, high = calibration.common_range()
    return Judged(met, calibration.hammers, error, doubt, named, seconds, timing, high - low)


def tell(one: Judged, every: bool) -> None:
    """Print a line of each hammer that is wrong or named."""
    if one.refused:
        print(f"{one.world.layout} {one.world.kind} {one.world.seed}: {one.refused}", flush=True)
    for name, error, doubt in zip(one.names, one.error.tolist(), one.doubt.tolist(), strict=True):
        if not abs(error) <= RIGHT or (every and name in one.named):
            where = f"{one.world.layout} {one.world.kind} {one.world.seed}"
            named = one.named.get(name, "not named")
            print(f"{where}: {name} {error:+.2f} dB, known to {doubt:.2f} dB, {named}", flush=True)


def figures_of(every: Sequence[Judged], minutes: float, timing: float | None) -> list[Figure]:
    """Return the rows of many sets."""
    pairs = [
        (error, name in one.named)
        for one in every
        for name, error in zip(one.names, one.error.tolist(), strict=True)
    ]
    error, named = (
        np.abs(np.nan_to_num([pair[0] for pair in pairs], nan=np.inf)),
        np.array([pair[1] for pair in pairs]),
    )
    right, shared = error <= RIGHT, [one.shared for one in every if not one.refused]
    unnamed = int(np.count_nonzero((error > WRONG) & ~named))
    false = 100.0 * np.count_nonzero(right & named) / max(1, np.count_nonzero(right))
    rows = [
        Figure("level wrong by more than 1.5 dB, not named", (unnamed,), f"of {len(error)}", (0,), digits=0),
        Figure("within 0.7 dB and named all the same", (false,), "%", (1.0,)),
        Figure("named in all", (int(named.sum()),), "", digits=0),
        Figure(
            "level error of those not named: p99 / max",
            (float(np.percentile(error[~named], 99, method="nearest")), float(error[~named].max())),
            "dB",
        ),
        Figure(
            "loudness that all hammers share: median / least",
            (float(np.median(shared)), min(shared)),
            "dB",
        ),
        Figure("length of a session, longest", (max(one.seconds for one in every) / 60,), "min", (minutes,)),
    ]
    refused = sum(bool(one.refused) for one in every)
    rows.append(
        Figure("sets that could not be tuned, and were told so", (refused,), f"of {len(every)}", digits=0)
    )
    if timing is not None:
        rows.append(
            Figure("worst set's timing p95", (1e3 * max(one.timing for one in every),), "ms", (timing,))
        )
    return rows


@click.command()
@click.option("--sets", default=100, show_default=True, type=click.IntRange(1), help="Sets of hammers.")
@click.option("--first", default=2000, show_default=True, help="The first one's seed.")
@click.option("--world", default="plain", show_default=True, type=click.Choice(list(WORLDS)))
@click.option("--bars", type=click.Choice(MATERIALS), help="Of this material, not of the world's.")
@click.option("--songs", default=2, show_default=True, type=click.IntRange(0), help="Played for the timing.")
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(1), help="Processes.")
@click.option("--every", is_flag=True, help="List all hammers that are named.")
def main(sets: int, first: int, world: str, bars: str | None, songs: int, jobs: int, every: bool) -> None:
    """Print the figures of hammers that nobody has tuned before as a table."""
    work, all_of_them = partial(judged, world=world, bars=bars, songs=songs), []
    seeds = range(first, first + sets)
    with ProcessPoolExecutor(jobs) as pool:
        for one in pool.map(work, seeds) if jobs > 1 else map(work, seeds):
            tell(one, every)
            all_of_them.append(one)
    usual = world == "plain"
    figures = figures_of(all_of_them, 3.4 if usual else 6.0, 0.85 if usual and songs else None)
    show(table(f"{sets} sets from {first}, {world}{f', {bars}' if bars else ''}", figures))
    sys.exit(any(figure.missed for figure in figures))


if __name__ == "__main__":
    main()
