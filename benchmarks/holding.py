"""What an owner of the instrument bears and takes: punctual beside all else, commands, its death, its weight.

    python benchmarks/holding.py                  all of it, about six minutes
    python benchmarks/holding.py --minutes 10     dense music for so long, beside all that disturbs it
    python benchmarks/holding.py --only commands  one part: play, commands, deaths or weight

Each owner is `xylophone serve`, a process of its own in folders of its own, on outputs without wires that say
when they changed; `service.py` measures stops, also on the virtual board.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from math import inf
from pathlib import Path
from typing import Any

import click
import numpy as np
from owners.music import DENSEST, FOLLOWERS, Disturbance, Follower, heard, owning
from owners.outputs import Outputs
from owners.running import soon
from startup import Figure, percentiles, show_parts

from xylophone import arrange, build_instrument, load_song
from xylophone.arranger import DEFAULT_PRESET, preset

PAUSE = 0.12
"""s between two commands, about."""


def bear(minutes: float) -> list[Figure]:
    """Play dense music for so long while a worker arranges and is killed, and a scan runs, without end."""
    with owning(seconds=60 * minutes) as (owner, song):
        notes = len(arrange(load_song(song), build_instrument(), weights=preset(DEFAULT_PRESET)).notes)
        first, *others = (Follower(owner) for _ in range(FOLLOWERS))
        owner.begin(song)
        with Disturbance(owner) as done:
            time.sleep(60 * minutes - 2.0)
        owner.client.do("clear")
        soon(lambda: owner.state()["state"] == "idle")
        time.sleep(1.5)  # until what was played is counted
        found = heard(owner, first)
        behind = sum(len(other.told()) != found.told for other in others)
    beside = f"{done.ready} made ready, {done.killed} workers killed, {done.scanned} scans"
    lateness = tuple(float(each) for each in np.percentile(np.abs(found.lateness), (50, 99, 100)))
    named = f"{minutes:g} minutes, {found.told} strikes"
    return [
        Figure(
            f"{named}: not told / late / lost / stuck",
            (notes - found.told - found.refused, found.late, found.lost, found.stuck),
            "",
            (0,) * 4,
            (0,) * 4,
            digits=0,
            note=beside,
        ),
        Figure(
            "refused by the planner's limits, and told",
            (found.refused,),
            "",
            digits=0,
            note=f"{found.faults} faults",
        ),
        Figure(
            "songs left out beside workers killed", (done.left_out, done.killed), "", (done.killed,), digits=0
        ),
        Figure(
            f"of {FOLLOWERS} followers, those that were told of other strikes", (behind,), "", (0,), digits=0
        ),
        Figure("lateness of on edges: median / p99 / max", lateness, "us", digits=0),
    ]


COMMANDS: tuple[tuple[str, Callable[[random.Random], dict[str, Any]]], ...] = (
    ("state", lambda chance: {}),  # which changes nothing: what socket and machine take
    ("pause", lambda chance: {}),
    ("resume", lambda chance: {}),
    ("volume", lambda chance: {"by": chance.choice((-7, 7))}),
    ("seek", lambda chance: {"to": chance.uniform(1.0, 30.0)}),
)


def command(times: int) -> list[Figure]:
    """Give commands while the densest song plays.

    Return how long until their effect is answered, and another client knows it.
    """
    chance = random.Random(2)
    answered: dict[str, list[float]] = {name: [] for name, _ in COMMANDS}
    known, over = [], []
    with owning() as (owner, _):
        follower = Follower(owner)
        owner.begin(DENSEST, repeat=True, volume=70)
        for name, arguments in COMMANDS * times:
            time.sleep(PAUSE * chance.uniform(0.5, 1.5))
            sent = time.monotonic()
            owner.client.do(name, **arguments(chance))
            done = time.monotonic()
            answered[name].append(1e3 * (done - sent))
            if name not in ("state", "seek"):  # another place is known when it begins to sound
                known.append(1e3 * (told_after(follower, sent) - sent))
            if name == "pause":
                time.sleep(PAUSE)
                over.append(1e3 * (last_on(owner.outputs.edges()) - sent))
    figures = [
        Figure(
            f"{name}: answered, p50 / p95 / max", percentiles(each, 50, 95, 100), "ms", (inf, 10), (inf, 3)
        )
        for name, each in answered.items()
    ]
    figures.append(
        Figure(
            "another client knows, p50 / p95 / max",
            percentiles(known, 50, 95, 100),
            "ms",
            (inf, 10),
            (inf, 3),
        )
    )
    figures.append(Figure("pause: last coil on after it, p50 / max", percentiles(over, 50, 100), "ms"))
    return figures


def told_after(follower: Follower, moment: float) -> float:
    """Return when a follower was first told of a state after a moment, once it has been."""
    found: list[float] = []

    def look() -> bool:
        found[:] = [at for at, event in follower.seen if event["event"] == "state" and at > moment]
        return bool(found)

    soon(look)
    return found[0]


def last_on(edges: list[tuple[float, int]]) -> float:
    """Return the monotonic time at which a coil went on last."""
    return max((now[0] for before, now in pairwise(edges) if now[1] & ~before[1]), default=0.0)


def death(times: int) -> list[Figure]:
    """Kill owners in play; return how long until all coils are off."""
    taken = []
    for _ in range(times):
        with owning() as (owner, song):
            owner.begin(song)
            taken.append(1e3 * owner.silent_after(owner.process.kill))
    name = "gpio:null: kill -9 of the owner to all off, p50 / max"
    return [Figure(name, percentiles(taken, 50, 100), "ms", (50, 50), (20, 20))]


def weigh(minutes: float) -> list[Figure]:
    """Measure an owner's processes: memory, what they take of a core idle and in play, and writes."""
    with owning(Untraced) as (owner, song):
        owner.client.do("play", songs=[{"path": str(song)}], repeat=True)
        parts = owner.parts()
        before = read_all(written, parts), read_all(cpu, parts), time.monotonic()
        time.sleep(60.0 * minutes)
        wrote = (read_all(written, parts) - before[0]) / (time.monotonic() - before[2]) * 3600 / 1e6
        playing = (read_all(cpu, parts) - before[1]) / (time.monotonic() - before[2])
        owner.client.do("end")
        time.sleep(5.0)
        sizes = {name: memory(process) for name, process in parts.items()}
        begun, used = time.monotonic(), {name: cpu(process) for name, process in parts.items()}
        time.sleep(60.0)
        length = time.monotonic() - begun
        idle = {name: 100 * (cpu(process) - used[name]) / length for name, process in parts.items()}
    each = ", ".join(f"{name} {size:.0f}" for name, size in sizes.items())
    rest = ", ".join(f"{name} {share:.2f}" for name, share in idle.items())
    own = idle["owner"] + idle["worker"]
    return [
        Figure(
            "memory of all processes (PSS)", (sum(sizes.values()),), "MB", (100,), (80,), digits=1, note=each
        ),
        Figure("CPU, nothing plays: owner and worker", (own,), "% of a core", (0.3,), (0.1,), note=rest),
        Figure("CPU in dense music, all processes", (100 * playing,), "% of a core"),
        Figure("written to disk in an hour of music", (wrote,), "MB"),
    ]


class Untraced(Outputs):
    """Outputs that note nothing: what a trace takes of memory is none of the owner's."""

    def __init__(self, folder: Path) -> None:
        self.url = "gpio:null"

    def edges(self) -> list[tuple[float, int]]:
        """Return nothing."""
        return []


def read_all(of: Callable[[int], float], parts: dict[str, int]) -> float:
    """Return the sum over processes."""
    return sum(of(process) for process in parts.values())


def memory(process: int) -> float:
    """Return the proportional set size of a process, MB."""
    rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
    return int(next(line.split()[1] for line in rollup.splitlines() if line.startswith("Pss:"))) / 1024


def cpu(process: int) -> float:
    """Return the seconds of CPU that all threads of a process have taken."""
    threads = Path(f"/proc/{process}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def written(process: int) -> float:
    """Return the bytes that a process has had written to disk."""
    told = Path(f"/proc/{process}/io").read_text().splitlines()
    return float(next(line.split()[1] for line in told if line.startswith("write_bytes:")))


@click.command()
@click.option("--minutes", default=1.0, show_default=True, help="How long dense music is played.")
@click.option(
    "--times", default=20, show_default=True, help="How often each command and, a quarter of it, a death."
)
@click.option("--only", type=click.Choice(["play", "commands", "deaths", "weight"]), help="One part.")
def main(minutes: float, times: int, only: str | None) -> None:
    """Measure; exit code 1 where what is asked at least was missed."""
    parts: dict[str, tuple[str, Callable[[], list[Figure]]]] = {
        "play": ("dense music beside all that disturbs it", lambda: bear(minutes)),
        "commands": ("from a command to its effect", lambda: command(times)),
        "deaths": ("from a death to all coils off", lambda: death(max(1, times // 4))),
        "weight": ("what an owner takes", lambda: weigh(minutes)),
    }
    sys.exit(show_parts(parts, only))


if __name__ == "__main__":
    main()
