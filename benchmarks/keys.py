"""How punctual keys are struck: random notes and chords of up to six from a keyboard on a real MIDI port.

    python benchmarks/keys.py --notes 10000

A JACK server without a sound card (jackd) carries them from a process of its own to the hands of
`xylophone live`, which strike on outputs without wires that say when they changed. A bystander thread tells
when this machine has held the process up: a strike is late by its own fault only where it has not.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import numpy as np
from outputs import let_through
from startup import Figure, percentiles, show, table

from xylophone import Player, build_instrument, open_backend
from xylophone.calibration.file import default_calibration
from xylophone.clock import SystemClock
from xylophone.gpio.realtime import hurry
from xylophone.live.hands import Hands, planning_time
from xylophone.live.notes import Keyboard
from xylophone.live.ports import Inputs
from xylophone.sequencer import PlanOptions
from xylophone.tables import Floats

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

HELD_UP = 0.002
"""s by which a bystander that sleeps for 1 ms may come late before that counts as held up."""

SHIFT = 1000 * PlanOptions().shift
"""ms by which the planner may move a strike."""

KEYS = """
import sys, time
import numpy as np
sys.path.insert(0, sys.argv[1])
from live import jack

keys, rng, left = jack.connected("keys"), np.random.default_rng(int(sys.argv[3])), int(sys.argv[2])
time.sleep(1.0)
while left > 0:
    for pitch in rng.choice(np.arange(67, 97), min(left, rng.integers(1, 7)), replace=False).tolist():
        keys.send_message([0x90, pitch, int(rng.integers(1, 128))])
        left -= 1
    time.sleep(rng.uniform(0.08, 0.25))
time.sleep(1.0)
"""
"""What presses keys: chords on any bars, any loudness, 80 to 250 ms apart."""


@dataclass
class Seen:
    """What came, in backend time: keys, pulses as they were handed over, and when nothing ran."""

    keys: int = 0
    handed: list[tuple[float, float]] = field(default_factory=list)  # when, and the start of the first pulse
    starts: list[float] = field(default_factory=list)
    held_up: list[tuple[float, float]] = field(default_factory=list)  # until when, and for how long


def watched(backend: Any, seen: Seen) -> None:
    """Have what a backend is handed noted."""
    schedule = backend.schedule

    def noting(pulses: Any) -> None:
        schedule(pulses)
        seen.handed.append((backend.now(), float(pulses["start"][0])))
        seen.starts += pulses["start"].tolist()

    backend.schedule = noting


def stand_by(clock: SystemClock, seen: Seen, over: threading.Event) -> None:
    """Note when this process was held up, until it is over."""
    before = clock.now()
    while not over.is_set():
        time.sleep(0.001)
        now = clock.now()
        if now - before > 0.001 + HELD_UP:
            seen.held_up.append((now, now - before))
        before = now


def play(notes: int, seed: int, trace: str) -> tuple[Seen, Player, float]:
    """Play so many notes; return what was seen, and the clock's zero on the machine's."""
    instrument, clock, seen, over = build_instrument(), SystemClock(), Seen(), threading.Event()
    calibration = default_calibration(instrument)
    with open_backend(f"gpio:null?trace={trace}", instrument, clock) as backend:
        watched(backend, seen)
        player = Player(backend, calibration)
        hands = Hands(player, Keyboard(instrument))
        hands.allow(planning_time(instrument, calibration))

        def take(message: Sequence[int]) -> None:
            now = backend.now()
            if (key := hands.take(message, now)) is not None and key.velocity:
                seen.keys += 1

        threading.Thread(target=stand_by, args=(clock, seen, over), daemon=True).start()
        with Inputs(take):
            words = [sys.executable, "-c", KEYS, str(ROOT / "tests"), str(notes), str(seed)]
            keys = subprocess.Popen(words)
            threading.Thread(target=lambda: (keys.wait(), player.leave()), daemon=True).start()
            hurry()
            player.run()
        over.set()
    return seen, player, clock.zero


def lateness(seen: Seen, trace: str, zero: float) -> Floats:
    """Return by how many ms each coil went on later than planned."""
    edges = let_through(trace)
    on = [
        ns / 1e9 - zero for (ns, mask), (_, before) in zip(edges[1:], edges, strict=False) if mask & ~before
    ]
    starts = np.sort(np.array(seen.starts))
    place = np.clip(np.searchsorted(on, starts - 1e-4), 0, len(on) - 1)
    return np.asarray(1000 * (np.array(on)[place] - starts))


def measure(notes: int, seed: int) -> list[Figure]:
    """Play, and return the figures."""
    from live import jack

    with tempfile.TemporaryDirectory() as folder, jack.served() as seen_by_all:
        os.environ.update(seen_by_all)
        jack.gone(jack.opened("MidiIn", "first"))  # the server answers
        trace = str(Path(folder) / "trace")
        seen, player, zero = play(notes, seed, trace)
        late = lateness(seen, trace, zero)
    spare = 1000 * np.array([start - moment for moment, start in seen.handed])
    behind = np.maximum(0.0, 1000 * player.margin - spare)
    stalls = [1000 * length for _, length in seen.held_up]
    refused = dict(player.refusals)
    delay = 1000 * player.margin + SHIFT
    held_up, room = (len(stalls), max(stalls, default=0.0)), f"least room left {spare.min():.1f} ms"
    others = ", ".join(f"{count} {why}" for why, count in refused.items() if why != "late") or "none"
    return [
        Figure("delay over the longest latency", (delay,), "ms", (20,), (15,), digits=1),
        Figure("keys that came; that were pressed", (seen.keys, notes), "", digits=0),
        Figure(
            "from when it is due to the hand-over: p99 / max",
            percentiles(behind, 99, 100), "ms", (6, 15), (3.5, 6), digits=1, note=room,
        ),
        Figure(
            "coil on, off its plan: p50 / p99 / max",
            percentiles(np.abs(late), 50, 99, 100), "ms", (1.5, 1.5), (0.5, 0.5),
        ),
        Figure("refused as late", (refused.get("late", 0),), "", (0,), (0,), note=f"others: {others}"),
        Figure("held up for over 3 ms: times / longest", held_up, "; ms", digits=0),
    ]  # fmt: skip


@click.command()
@click.option("--notes", default=2000, show_default=True, help="How many keys are pressed.")
@click.option("--seed", default=1, show_default=True)
def main(notes: int, seed: int) -> None:
    """Measure, and print a table; exit code 1 where a figure is missed."""
    figures = measure(notes, seed)
    show(table("Keys to strikes", figures))
    sys.exit(any(figure.missed for figure in figures))


if __name__ == "__main__":
    main()
