"""What reaches a Raspberry Pi's outputs: a chord in how many writes, and how soon they are off after a death.

    python benchmarks/outputs.py --deaths 20 --on 595

`lateness.py` prints both beside its own. `gpio:null` needs nothing, the other kinds a fake Pi (gcc, lgpio).
"""

from __future__ import annotations

import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
from rich.progress import track
from startup import Figure, show, table

from xylophone.gpio.null import read_trace
from xylophone.wiring import Wiring

ROOT = Path(__file__).resolve().parents[1]
PAUSE = 0.6
"""s from strike to strike where a process dies in a pause."""


class Death(NamedTuple):
    """Who dies or is stopped, how, and whether in a pause between two strikes."""

    who: tuple[str, ...]
    number: signal.Signals
    paused: bool = False

    def __str__(self) -> str:
        pause = ", in a pause" if self.paused else ""
        return f"{self.number.name} of {' and '.join(self.who)}{pause}"


NUMBERS = (signal.SIGKILL, signal.SIGSTOP)
ALONE = [
    *(Death((who,), number) for who in ("host", "dispatcher", "watchdog") for number in NUMBERS),
    Death(("watchdog",), signal.SIGSTOP, paused=True),
]
TOGETHER = [
    Death(who, number)
    for who in (("dispatcher", "watchdog"), ("host", "dispatcher"), ("host", "watchdog"))
    for number in NUMBERS
]
"""Deaths of one process, for which times are asked for, and of two."""


def deaths(times: int, kind: str) -> list[Figure]:
    """Have each death so often, in play; return how long until the outputs are off."""
    sys.path.insert(0, str(ROOT / "tests"))
    bench = WithoutWires if kind == "null" else OnFakePi
    figures = []
    for death in (*ALONE, *TOGETHER):
        taken = []
        for _ in track(range(times), str(death), transient=True):
            with tempfile.TemporaryDirectory() as folder:
                taken.append(until_off(bench(kind, Path(folder), PAUSE if death.paused else 0.025), death))
        worst = (float(np.median(taken)), max(taken))
        name = f"gpio:{kind}: {death}, outputs off after: median / max"
        limits = ((50, 50), (20, 20)) if death in ALONE else ((), ())
        figures.append(Figure(name, worst, "ms", *limits))
    return figures


def writes() -> list[Figure]:
    """Count what a chord is at the output of each kind, on mocked hardware; quote what a bus takes for it."""
    sys.path.insert(0, str(ROOT / "tests"))
    from gpio.mocked import KINDS
    from gpio.transfers import transfers_of_a_chord

    figures = []
    for kind in KINDS:
        masks, transfers, chips = transfers_of_a_chord(kind)
        note = {"595": "one transfer", "mcp23017": f"one transaction, {chips} chips in it"}.get(
            kind, "one pin each"
        )
        figures.append(
            Figure(f"gpio:{kind}: chord at the output: writes", (masks,), "", (1,), (1,), digits=0, note=note)
        )
        if kind != "pins":
            figures.append(
                Figure(f"gpio:{kind}: transfers of the bus", (transfers,), "", (1,), (1,), digits=0)
            )
    shift = 8e3 * Wiring().registers / Wiring().spi_rate
    return [
        *figures,
        Figure("gpio:595: the bus adds", (shift,), "ms", digits=3, note="reckoned at spi_rate, unmeasured"),
        Figure(
            "gpio:mcp23017: the bus adds, a chip", (0.13, 0.16), "ms", note="read, at 400 kHz; unmeasured"
        ),
    ]


class WithoutWires:
    """A host whose outputs are nowhere: on is what is written and the watchdog's line lets through."""

    def __init__(self, kind: str, folder: Path, period: float) -> None:
        from gpio.playing import Playing

        self._path = str(folder / "writes")
        self.playing = Playing(f"gpio:{kind}?trace={self._path}", period=period)

    def log(self) -> list[tuple[int, int]]:
        """Return (ns, mask) of all changes so far."""
        return let_through(self._path)


def let_through(path: str) -> list[tuple[int, int]]:
    """Return (ns, mask) of all that was written without wires and let through by the watchdog's line."""
    events = [(ns, 0, mask) for ns, mask in read_trace(path)]
    events += [(ns, 1, allowed) for ns, allowed in read_trace(f"{path}.guard")]
    mask = allowed = 0
    changes = []
    for ns, is_line, value in sorted(events):
        mask, allowed = (mask, value) if is_line else (value, allowed)
        changes.append((ns, mask if allowed else 0))
    return changes


class OnFakePi:
    """A host with the real gpiozero, lgpio and smbus2 on a Pi that is fake below the system calls."""

    def __init__(self, kind: str, folder: Path, period: float) -> None:
        from gpio.fake_pi import FakePi
        from gpio.playing import Playing
        from xylophone.wiring import HONEST_PINS

        pins = HONEST_PINS if kind == "pins" else ()
        self._kind, self._pi = kind, FakePi(folder, pins=pins)
        self.playing = Playing(f"gpio:{kind}", self._pi.environment, len(pins) or 30, period=period)

    def log(self) -> list[tuple[int, int]]:
        """Return (ns, mask) of all changes so far."""
        return self._pi.log(self._kind)


def until_off(bench: WithoutWires | OnFakePi, death: Death) -> float:
    """Return the ms from signals, sent while a coil is on or in a pause, to outputs that stay off.

    0 where no coil was on any more, inf where one is.
    """
    from gpio.playing import wait_for

    try:
        assert wait_for(lambda: len(bench.log()) > (4 if death.paused else 20))
        assert wait_for(lambda: (bench.log()[-1][1] == 0) == death.paused)
        sent = time.monotonic_ns()
        for who in death.who:
            bench.playing.kill(who, death.number)
        time.sleep(2 * PAUSE if death.paused else 0.5)
        log = bench.log()
        if log[-1][1]:
            return float("inf")
        last_on = max(place for place, (_, mask) in enumerate(log) if mask)
        return max(0.0, (log[last_on + 1][0] - sent) / 1e6)
    finally:
        bench.playing.end()


@click.command()
@click.option("--deaths", "times", default=3, show_default=True, help="How often each death.")
@click.option("--on", "kind", default="null", help="null, or 595, mcp23017 or pins on a fake Pi.")
def main(times: int, kind: str) -> None:
    """Measure; exit code 1 where what is asked at least was missed."""
    figures = [*writes(), *deaths(times, kind)]
    show(table("the outputs", figures))
    sys.exit(any(figure.missed for figure in figures))


if __name__ == "__main__":
    main()
