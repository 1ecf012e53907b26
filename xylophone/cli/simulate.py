"""`xylophone simulate`: a song on simulated hammers, measured, rendered, drawn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import click

from ..calibration.file import default_calibration
from ..calibration.values import Calibration
from ..collection.library import find_song
from ..collection.prepared import Asked, Preparation
from ..config.values import MOST_SEED, SCATTERS, TOLERANCES
from ..instrument import Instrument
from ..performance.performance import Performance
from ..performance.simulate import constant_latency, simulate as perform
from ..plotter import plot as draw
from ..sequencer import PlanOptions
from ..simulation.hammers import twin_of
from ..sound.loudness import LOUDEST, QUIETEST, check_meter, said_of_peak
from ..sound.rendering import render_wav
from .calibrations import calibration_of
from .option_types import PICTURE, Target, Whole, Within
from .options import check_writable, setting_options, settings
from .printing import say, say_json, warn_all
from .screen import busy
from .song_options import Manner, arrange_options, complete_songs, playing_options, song_options
from .stage import simulation_of

_STRIKES = "{strikes}, heard {heard}, missed {missed}, doubled {double}, rolled {rolled}"

KNOWLEDGE = ("bench", "default", "constant")


@click.command()
@click.argument("name", metavar="SONG", shell_complete=complete_songs)
@setting_options
@arrange_options
@song_options
@playing_options
@click.option("--seed", type=Whole(0, MOST_SEED), help="Which hammers and scatter; else as configured.")
@click.option(
    "--scatter", type=Within(*SCATTERS), default=1.0, help="Factor on strike scatter, 0..10; else 1."
)
@click.option("--tolerance", type=Within(*TOLERANCES), help="Factor on how hammers differ, 0..3.")
@click.option("--knows", type=click.Choice(KNOWLEDGE), help="What is known of the hammers (docs/cli.md).")
@click.option("--wav", type=Target("write sound to", ".wav"), help="Write what is heard, 48 kHz stereo.")
@click.option("--loudness", type=Within(QUIETEST, LOUDEST), help="Loudness of that file, in LUFS: -60..-5.")
@click.option("--plot", type=PICTURE, help="Draw what was planned and heard: .svg, or .png.")
@click.option("--json", "as_json", is_flag=True, help="Print every strike as JSON (docs/cli.md).")
def simulate(name: str, as_json: bool, **options: Any) -> None:
    """Play a song on simulated hammers in a blink, and say how well it went."""
    knows = options.pop("knows")
    given = {key: options.pop(key) for key in ("seed", "scatter", "tolerance")}
    if knows is not None and options["calibration"] is not None:
        raise click.UsageError("--knows and --calibration both say what is known: give one of them")
    found = settings(options)
    asked, manner = Asked.take(options, found), Manner.take(options, found)
    outputs = _Outputs.take(options)
    path = find_song(name)
    prepared = Preparation(asked, found.instrument, options.pop("as_written"))(path)
    if not as_json:
        warn_all(prepared.told)
    arrangement = prepared.piece
    twin = twin_of(found.instrument, simulation_of(found).varied(**given))
    with busy("measuring the simulated hammers"):
        calibration = _known(knows, found.instrument) or calibration_of(
            found if knows is None else replace(found, calibration=None), twin
        )
    with busy("playing"):
        planning, speed, volume = PlanOptions(roll=manner.roll), manner.speed_of(arrangement), manner.volume
        performance = perform(
            arrangement, calibration, twin=twin, options=planning, speed=speed, volume=volume
        )
    told = outputs.write(performance)
    if as_json:
        say_json(performance.to_json())
    else:
        _print(performance.summary(), arrangement.song.title, found.instrument)
    say(*told, err=as_json)


class _Outputs(NamedTuple):
    """What is to be written of a performance: sound, how loud, and a picture."""

    wav: Path | None
    loudness: float | None
    plot: Path | None

    @classmethod
    def take(cls, options: dict[str, Any]) -> _Outputs:
        """Take them out of a command's options; a usage error for a loudness of no file."""
        wav, loudness, plot = (options.pop(key) for key in cls._fields)
        if loudness is not None and wav is None:
            raise click.UsageError("--loudness is of the WAV file: name one with --wav")
        if loudness is not None:
            check_meter()
        check_writable(wav, plot)
        return cls(wav, loudness, plot)

    def write(self, performance: Performance) -> list[str]:
        """Write what was asked for, and return what is to be told of it."""
        told = []
        if self.wav is not None:
            with busy(f"rendering {self.wav}"):
                hits, instrument = performance.hits, performance.instrument
                softer = render_wav(self.wav, hits, instrument, loudness=self.loudness)
            told.append(f"wrote {self.wav}{said_of_peak(softer)}")
        if self.plot is not None:
            with busy(f"drawing {self.plot}"):
                draw(performance, self.plot)
            told.append(f"wrote {self.plot}")
        return told


def _known(knows: str | None, instrument: Instrument) -> Calibration | None:
    """Return default curves, or one constant latency; None where the hammers are to be measured or are."""
    if knows in (None, "bench"):
        return None
    default = default_calibration(instrument)
    return constant_latency(default) if knows == "constant" else default


def _print(summary: dict[str, Any], title: str, instrument: Instrument) -> None:
    reasons = ", ".join(f"{count} {reason}" for reason, count in summary["refused"].items())
    timing, score, level = (summary[key] for key in ("timing_error", "score_error", "level_error_db"))
    spread = summary["chord_spread"]
    say(f"{title} on {instrument.name}")
    told = {key: summary[key] for key in ("strikes", "heard", "missed", "double", "rolled")}
    for name, text in (
        ("strikes", _STRIKES.format(**told)),
        ("refused", f"{sum(summary['refused'].values())}{f' ({reasons})' if reasons else ''}"),
        ("timing", f"{_ms(timing['p50'])} median, {_ms(timing['p95'])} p95, {_ms(timing['max'])} at most"),
        ("score", f"{_ms(score['p50'])} median, {_ms(score['p95'])} p95, {_ms(score['max'])} at most"),
        ("level", f"{_db(level['p50'])} median, {_db(level['p95'])} p95, {_db(level['max'])} at most"),
        ("chords", f"{_ms(spread['p95'])} apart p95, {_ms(spread['max'])} at most"),
        ("current", f"{summary['peak_current']:.2f} of {summary['supply_limit']:g} A"),
        ("hottest", f"{summary['hottest_coil_c']:.1f} C"),
    ):
        say(f"{name + ':':<9} {text}")


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{1000 * value:.2f} ms"


def _db(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} dB"
