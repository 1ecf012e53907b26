"""`xylophone tune auto`: all hammers are measured with a microphone, and the calibration is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import numpy as np

from ...calibration.file import check_fits, default_calibration, read_calibration
from ...calibration.values import Calibration
from ...config import Settings
from ...errors import CalibrationError, TuningError, XylophoneError
from ...files import make_folder, write_text
from ...running.playing import leaving_on_signals, playing
from ...sound.position import Position, position_of
from ...sound.wav import read_wav
from ...tuning.analysis import Analysis, analyse
from ...tuning.auto_session import AutoSession, play_blind
from ...tuning.checking import Heard, Measured, add_entry, history_of
from ...tuning.diagnosis import Ailment, diagnose, tilt
from ...tuning.edits import middle, with_hammer, with_others
from ...tuning.keeping import Held, hold
from ...tuning.sag import result_of
from ...tuning.trials import PLAN, Take, load_session, plan_text, read_plan
from ...words import counted
from ..incidents import tell, with_words
from ..options import FOLDER_PATH, stage_options
from ..printing import say
from ..screen import busy
from ..stage import open_stage
from .kept import command, place
from .listening import (
    ask_to_strike,
    check_history,
    ear_before,
    listening_options,
    position_from,
    progress_shown,
    session_folder,
)

FRONT = position_of("front")
MINUTES = "for about three minutes? Keep the room quiet"

LEAST = 0.5
"""Part of the hammers that must have been measured, or nothing is written."""


@click.command()
@listening_options
@click.option("--session", type=FOLDER_PATH, help="Folder in which recording and plan are kept.")
@click.option("--resume", is_flag=True, help="Go on with the session in that folder, which broke off.")
@click.option("--from-wav", type=FOLDER_PATH, help="Analyse this recording instead of playing.")
@click.option("--plan", type=FOLDER_PATH, help="session.json of what was played for that recording.")
@click.option("--blind", is_flag=True, help="Play without listening, while something else records.")
@click.option("--dry-run", is_flag=True, help="Write no calibration, only say what it would be.")
@click.option("--yes", is_flag=True, help="Do not ask before the hammers are struck.")
@stage_options
def auto(
    session: Path | None,
    resume: bool,
    from_wav: Path | None,
    plan: Path | None,
    blind: bool,
    dry_run: bool,
    yes: bool,
    **options: Any,
) -> None:
    """Measure all hammers with a microphone, and write their calibration.

    Put the microphone 1 m before the middle of the instrument, in a quiet room. It takes about three
    minutes for 30 hammers; at most six where strikes scatter much.
    """
    if (plan is None) != (from_wav is None):
        raise click.UsageError("--from-wav and --plan belong together: a recording, and what was played")
    device, position, undo = options.pop("device"), position_from(options), command("undo", options)
    found, path = _target(options)
    folder = session or session_folder(found)
    if from_wav is not None and plan is not None:
        takes, position = _recorded(from_wav, plan, found, position)
        analysis = _analysed(takes, found, position)
    elif blind:
        return _play_blind(found, folder, position or FRONT, yes)
    else:
        with playing(found.backend, config=found.config):
            ask_to_strike(found, yes, MINUTES)
            analysis = _listened(found, position, folder, resume, device)
    _conclude(analysis, found, path, position or FRONT, undo, dry_run)


def _target(options: dict[str, Any]) -> tuple[Settings, Path]:
    """Return what is in force, and the file to write; CalibrationError for one of another instrument.

    One that is broken is tuned anew.
    """
    found, path = place(options)
    check_history(path)
    old: Calibration | None = None
    if path.exists():
        with suppress(CalibrationError):  # told of when it is replaced
            old = read_calibration(path)
    if old is not None:
        check_fits(old, found.instrument, path)
    return found, path


def _listened(
    found: Settings, position: Position | None, folder: Path, resume: bool, device: str | None
) -> Analysis:
    """Play a session with a microphone, and return what it has taught."""
    earlier, before = _earlier(folder, found) if resume else ((), None)
    at = position or before or FRONT
    running: AutoSession | None = None
    try:
        with leaving_on_signals(), ear_before(found, at, device) as (backend, ear), progress_shown() as told:
            default = default_calibration(found.instrument)
            running = AutoSession(
                backend, ear, default, at, folder=folder, earlier=earlier, told=told, met=tell
            )
            return running.run()
    except (XylophoneError, KeyboardInterrupt, SystemExit) as leaving:
        if "--resume" in str(leaving) or running is None or not running.saved:
            raise
        raise with_words(
            leaving, f"what was recorded is kept in {folder}; --resume goes on with it"
        ) from leaving


def _earlier(folder: Path, found: Settings) -> tuple[tuple[Take, ...], Position | None]:
    """Return what a session that broke off has recorded, and where its microphone stood."""
    earlier, position = load_session(folder, found.instrument)
    say(
        f"going on with {folder}: "
        f"{counted(sum(len(take.trials) for take in earlier), 'strike is', 'strikes are')} "
        "there"
    )
    return earlier, position


def _recorded(
    wav: Path, plan: Path, found: Settings, position: Position | None
) -> tuple[tuple[Take, ...], Position]:
    tables, before = read_plan(plan, found.instrument)
    if len(tables) != 1:
        raise TuningError(
            f"{plan} is of {len(tables)} recordings: give a plan of one, or go on with the session "
            "by --resume"
        )
    sound, rate = read_wav(wav)
    return (Take(tables[0], sound, rate),), position or before


def _analysed(takes: Sequence[Take], found: Settings, position: Position) -> Analysis:
    with busy("analysing the recording"):
        return analyse(takes, found.instrument, default_calibration(found.instrument), position)


def _play_blind(found: Settings, folder: Path, position: Position, yes: bool) -> None:
    """Play a fixed plan, and write it for the analysis of what something else records meanwhile."""
    with playing(found.backend, config=found.config):
        ask_to_strike(found, yes, MINUTES)
        with leaving_on_signals(), open_stage(found) as stage, progress_shown() as told:
            trials = play_blind(stage.backend, default_calibration(found.instrument), told)
    make_folder(folder, "name another folder with --session")
    write_text(folder / PLAN, plan_text([trials], found.instrument, position))
    say(
        f"played {counted(len(trials), 'strike')}; analyse the recording with: "
        f"xylophone tune auto --from-wav RECORDING.wav --plan {folder / PLAN}"
    )


def _conclude(
    analysis: Analysis, found: Settings, path: Path, position: Position, undo: str, dry_run: bool
) -> None:
    """Say what was found, and write it unless too little is known."""
    ailments, result = diagnose(analysis), result_of(analysis)
    with nullcontext() if dry_run else hold(path) as held:
        old = _old(path, found, result)
        calibration = _with_old(result, old)
        for line in summary(analysis, calibration, ailments):
            say(line)
        doubt = tilt(analysis, position)
        if doubt:
            say(f"warning: {doubt}")
        known = sum(one is not None for one in analysis.fits)
        if known < LEAST * len(calibration.hammers):
            raise TuningError(
                f"only {known} of {counted(len(calibration.hammers), 'hammer')} "
                "could be measured: mend what is "
                "named above, "
                "and tune again; the calibration is as it was"
            )
        calibration.common_range()
        if held is None:
            say(f"nothing was written to {path}")
            return
        _write(held, calibration, old, found.backend)
    say(f"wrote {path}; {undo} takes it back")


def _write(held: Held, calibration: Calibration, old: Calibration | None, backend: str) -> None:
    """Put a calibration in force, with hammers of the old one that the instrument has not, and note it."""
    now = datetime.now().astimezone()
    held.keep(calibration if old is None else with_others(calibration, old), now, backend)
    add_entry(history_of(held.path), Measured(now, "auto", states(calibration)))


def _old(path: Path, found: Settings, new: Calibration) -> Calibration | None:
    """Return what a calibration file holds from an earlier tuning, None where it holds nothing of use.

    One that cannot be read, or has other knots, is told of, and is no reason not to write a new one.
    """
    if not path.exists():
        return None
    try:
        old = read_calibration(path)
    except CalibrationError as error:
        say(f"warning: {error}; nothing is taken over from it", err=True)
        return None
    check_fits(old, found.instrument, path)
    have, knots = old.level.shape[1], new.level.shape[1]
    if have != knots:
        say(
            f"warning: {path}: its curves have {have} knots, not {knots}; nothing is taken over from it",
            err=True,
        )
        return None
    return old


def _with_old(calibration: Calibration, old: Calibration | None) -> Calibration:
    """Return the calibration with curves of an earlier tuning for hammers that could not be measured now."""
    for row, origin in enumerate(calibration.origin):
        if origin == "default" and old is not None:
            calibration = with_hammer(calibration, row, old)
    return calibration


def states(calibration: Calibration) -> dict[str, Any]:
    """Return the state of each measured hammer for the history: latency at the middle, and its loudest
    level."""
    rows = [row for row, origin in enumerate(calibration.origin) if origin != "default"]
    return {
        calibration.hammers[row]: Heard(middle(calibration, row)[2], float(calibration.level[row, -1]))
        for row in rows
    }


def summary(analysis: Analysis, calibration: Calibration, ailments: Sequence[Ailment]) -> Iterator[str]:
    """Yield lines about a session: how much was measured, how well, who falls out of line, what is wrong."""
    trials = analysis.evidence.trials
    known = [found for found in analysis.fits if found is not None]
    seconds = float(trials["start"][-1] - trials["start"][0])
    share = f"{len(known)} of {counted(len(analysis.fits), 'hammer')}"
    yield f"measured {share} by {counted(len(trials), 'strike')} in {_clock(seconds)}"
    latency = 1e3 * float(np.median([np.median(found.uncertainty()[1]) for found in known]))
    places = [place for place, found in enumerate(analysis.fits) if found is not None]
    level = float(np.median([analysis.level_doubt(place) for place in places]))
    yield (
        f"strikes scatter by {1e3 * analysis.latency_sd:.2f} ms and {analysis.level_sd:.2f} dB; "
        f"latencies are known to {latency:.2f} ms, loudness to {level:.2f} dB"
    )
    low, high = calibration.common_range()
    yield f"all hammers share {high - low:.1f} dB of loudness{_beyond(calibration, low, high)}"
    if calibration.measured:
        ratio = calibration.supply.per_ampere / analysis.default.supply.per_ampere
        yield f"the supply sags {ratio:.1f} times as much as the default says, which is made up for"
    for ailment in ailments:
        yield str(ailment)


def _beyond(calibration: Calibration, low: float, high: float) -> str:
    """Name the hammers that do not reach both ends of the common loudness."""
    rows = range(len(calibration.hammers))
    loud = [calibration.hammers[row] for row in rows if calibration.level[row, 0] > low + 0.05]
    soft = [calibration.hammers[row] for row in rows if calibration.level[row, -1] < high - 0.05]
    words = [f"{', '.join(loud)} are not played so soft"] if loud else []
    words += [f"{', '.join(soft)} are not played so loud"] if soft else []
    return f" ({'; '.join(words)})" if words else ""


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60} min {int(seconds) % 60} s"
