"""What the microcontroller keeps to: cycles in an emulated ATmega2560, and a song over a pseudo-terminal.

    python benchmarks/cycles.py                 the emulator's figures, about half a minute
    python benchmarks/cycles.py --minutes 5     and so many minutes of music on the virtual board in real
                                              time, the host stopped for 0.4 s every 10 s

Needs gcc, libsimavr-dev and libelf-dev. Cycles are exact and the same everywhere; the run in real time is
not, and is printed beside: the virtual board itself gets no CPU while the machine is busy.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
STALL = 0.4
STALL_EVERY = 10.0
LATER = 500_000


def emulator(folder: Path) -> object:
    """Return the emulator, built into a folder."""
    sys.path.insert(0, str(ROOT / "tests"))
    from firmware.emulated import load

    library = folder / "emulator.so"
    source = ROOT / "tests" / "firmware" / "emulator.c"
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", source, "-o", library, "-lsimavr", "-lelf"], check=True)
    return load(library)


def board(library: object) -> object:
    """Return a conversation with a board that has the image that ships, armed."""
    from firmware.conftest import IMAGE
    from firmware.emulated import EmulatedBoard
    from firmware.talk import Talk

    talk = Talk(EmulatedBoard(library, IMAGE))  # type: ignore[arg-type]
    talk.begin()
    return talk


def edges(library: object, size: int, flood: bool) -> tuple[int, int]:
    """Return the latest edge and the widest of 40 chords of a size, in cycles; 0: 480 strikes a second."""
    from firmware.talk import at_any_moment, chords, errors

    talk = board(library)
    first = talk.clock + LATER  # type: ignore[attr-defined]
    rows = chords(first, [size] * 40, 160_137) if size else at_any_moment(first, seconds=5)
    talk.play(rows, flood)  # type: ignore[attr-defined]
    late, played = errors(talk, rows)  # type: ignore[arg-type]
    assert late.min() >= 0
    if not size:
        return int(late.max()), 0
    each = np.sort(played["cycle"][played["on"]]).reshape(40, size)
    return int(late.max()), int((each[:, -1] - each[:, 0]).max())


def stops(library: object, count: int) -> int:
    """Return the most cycles from a raw stop's last bit to all outputs low, over moments of a dense run."""
    from firmware.talk import CHANNELS, Talk, milliseconds, strikes
    from xylophone.link import messages as m

    worst = 0
    for phase in range(count):
        talk = board(library)
        assert isinstance(talk, Talk)
        first = talk.clock + 100_000
        rows = [(first + 41 * n, n % CHANNELS, milliseconds(2) + 11 * n) for n in range(20)]
        talk.send(m.StrikesMessage(strikes(rows[:8])))
        talk.send(m.StrikesMessage(strikes(rows[8:16])))
        talk.run(int(talk.cycle(first + 41 * 8)) + 7 * phase)
        arrived = talk.board.send(talk.frame(m.Sync(1)) + m.RAW_STOP)
        talk.run(arrived + 160_000)
        writes = talk.board.port_writes()
        after = writes["cycle"][(writes["cycle"] >= arrived) & (writes["value"] == 0)]
        worst = max(worst, int(after.max()) - arrived if len(after) else 0)
        assert talk.board.outputs() == 0
        talk.board.close()
    return worst


def in_real_time(minutes: float) -> str:
    """Return what `play` says after so many minutes on the virtual board, stopped again and again."""
    command = [sys.executable, "-m", "xylophone"]
    with subprocess.Popen([*command, "firmware", "emulate"], stdout=subprocess.PIPE, text=True) as virtual:
        assert virtual.stdout is not None
        port = virtual.stdout.readline().split()[3].rstrip(",")
        song = [*command, "play", "maple_leaf_rag", "--backend", f"serial://{port}", "--loop"]
        with subprocess.Popen(song, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as player:
            end = time.monotonic() + 60 * minutes
            while time.monotonic() < end and player.poll() is None:
                time.sleep(STALL_EVERY)
                player.send_signal(signal.SIGSTOP)
                time.sleep(STALL)
                player.send_signal(signal.SIGCONT)
            player.send_signal(signal.SIGINT)
            said, _ = player.communicate()
        virtual.send_signal(signal.SIGINT)
    return said.strip()


@click.command()
@click.option("--minutes", type=float, default=0.0, help="Minutes of music in real time.")
@click.option("--stops", "count", type=int, default=200, help="Moments at which the raw stop is tried.")
def main(minutes: float, count: int) -> None:
    """Print the figures of the link and the firmware."""
    os.chdir(ROOT)
    table = Table("figure (emulated ATmega2560, 250 kbaud)", "measured", "at least", "aim")
    with tempfile.TemporaryDirectory() as folder:
        library = emulator(Path(folder))
        for size in (1, 10, 30):
            (idle, width), (full, wide) = edges(library, size, False), edges(library, size, True)
            table.add_row(f"latest edge, chords of {size}: idle / flooded", f"{idle} / {full}", "18", "12")
            table.add_row(f"spread, chords of {size}: idle / flooded", f"{width} / {wide}", "4", "4")
        idle, full = edges(library, 0, False)[0], edges(library, 0, True)[0]
        table.add_row("480 strikes/s at any moment: idle / flooded", f"{idle} / {full}", "40", "12")
        table.add_row(
            f"raw stop to all outputs low, {count} moments", str(stops(library, count)), "118", "100"
        )
    Console().print(table)
    if minutes:
        print(f"{minutes:g} min in real time, host stopped {STALL:g} s every {STALL_EVERY:g} s:")
        print(in_real_time(minutes))


if __name__ == "__main__":
    main()
