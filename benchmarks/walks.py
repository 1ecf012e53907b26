"""How many functions of the package lie on a way from the command line to a pulse.

    python benchmarks/walks.py [--verbose]

One note of a file, as docs/architecture.md follows it and as `play` does, the velocity of `strike`, a key of
xylophone.toml, and a key that is pressed in play. Each is walked on simulated hammers, and each function of
the package that is entered counts once. Of the configuration's key those count that are entered because there
is a file with it. `--verbose` names the functions, in the order of the walk.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType

import click
from first_strike import ONE
from rich.table import Table
from startup import show

import xylophone
from xylophone import (
    Player,
    arrange,
    build_instrument,
    calibration_for,
    find_song,
    load_song,
    open_backend,
    sequence,
    strikes_of,
)
from xylophone.cli import run
from xylophone.cli.play import _press

PACKAGE = str(Path(xylophone.__file__).parent)


class Arrived(BaseException):
    """The first pulse is at the driver: the walk is over."""


class Walk:
    """Notes the functions that are entered until the driver of a backend gets a pulse."""

    def __init__(self) -> None:
        self.entered: dict[CodeType, str] = {}

    def begin(self) -> None:
        """Note from now on."""
        sys.setprofile(self._note)

    def _note(self, frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event != "call" or not code.co_filename.startswith(PACKAGE) or code.co_name.startswith("<"):
            return
        module = Path(code.co_filename).relative_to(PACKAGE).with_suffix("").as_posix()
        self.entered[code] = f"{module}: {code.co_qualname}"
        if code.co_name == "_write" and module.startswith("backends/") and len(frame.f_locals["pulses"]):
            sys.setprofile(None)
            raise Arrived


def walked(go: Callable[[Walk], object]) -> list[str]:
    """Return the functions that are entered, in order, from where `go` begins its walk to the first pulse."""
    walk = Walk()
    try:
        go(walk)
    except Arrived:
        return list(walk.entered.values())
    finally:
        sys.setprofile(None)
    raise AssertionError("no pulse was handed over")


def told(path: Path) -> list[str]:
    """Return the functions of a note's life, from its file to the driver of a backend that is open."""

    def go(walk: Walk) -> None:
        with open_backend("sim:", build_instrument()) as backend:
            calibration = calibration_for(backend.instrument, None)
            walk.begin()
            arrangement = arrange(load_song(path), backend.instrument)
            strikes = strikes_of(arrangement.notes, zero=1.0)
            backend.schedule(sequence(strikes, backend.instrument, calibration).pulses)

    return walked(go)


def commanded(*words: str) -> list[str]:
    """Return the functions from a command's words to its first pulse."""

    def go(walk: Walk) -> None:
        walk.begin()
        run([*words])

    return walked(go)


def pressed(key: str, path: Path) -> list[str]:
    """Return the functions from the press of a key, while a song plays, to the next pulse."""

    def go(walk: Walk) -> None:
        def watch(now: float) -> None:
            if now > 2.0 and not walk.entered:
                walk.begin()
                _press(player, key)

        with open_backend("sim:", build_instrument()) as backend:
            player = Player(backend, watch=watch)
            player.play(arrange(load_song(path), backend.instrument)).wait()

    return walked(go)


def walks(folder: Path) -> dict[str, list[str]]:
    """Return the functions of each walk; all that is worked out once, or imported, is there before."""
    song, config = folder / "one.mid", folder / "own.toml"
    song.write_bytes(ONE)
    config.write_text("player.volume = 0.5\n")
    play = ("play", str(song), "--mute", "--quiet", "--backend", "sim:")
    configured = (*play, "--config", str(config))
    strike = ("strike", "C6", "--mute", "--backend", "sim:")
    for words in (play, configured, strike):
        run([*words])
    played = commanded(*play)
    return {
        "a note of a file": told(song),
        "a note by play": played,
        "a velocity by strike": commanded(*strike),
        "a key of xylophone.toml by play": [one for one in commanded(*configured) if one not in played],
        "a key that is pressed": pressed("up", find_song("greensleeves")),
    }


@click.command()
@click.option("--verbose", is_flag=True, help="Name the functions too.")
def main(verbose: bool) -> None:
    """Print how many functions and modules each walk has."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # no configuration but ours
        found = walks(Path(folder))
        os.chdir(os.path.dirname(PACKAGE))
    grid = Table("walk", "functions", "modules", title="from the command line to a pulse")
    for name, functions in found.items():
        grid.add_row(name, str(len(functions)), str(len({one.partition(":")[0] for one in functions})))
    show(grid)
    for name, functions in found.items() if verbose else ():
        click.echo("\n".join([f"\n{name}:", *(f"  {one}" for one in functions)]))


if __name__ == "__main__":
    main()
