"""How punctual a Raspberry Pi's dispatcher is beside other ways to keep time, on this machine, without wires.

    python benchmarks/lateness.py                 all of it, about eight minutes
    python benchmarks/lateness.py --minutes 10    the densest song for so long: drift, missed, stuck, CPU
    python benchmarks/lateness.py --deaths 20     each death so often, from kill -9 or SIGSTOP to outputs off;
                                                with --on 595, mcp23017 or pins on a fake Pi (gcc, lgpio)
    python benchmarks/lateness.py --only deaths   one part: methods, minutes, deaths or writes

Each method gets the same edges in a process of its own and writes to the same output, which only notes the
time; what a bus adds is unmeasured here. "without FIFO" is the same program without the right to real-time
priority and locked memory. Judge medians and 99th percentiles: maxima are of whatever else the machine did.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import mido
import numpy as np
from outputs import deaths, writes
from rich.progress import track
from startup import Figure, show_parts

from xylophone import (
    arrange,
    build_instrument,
    calibration_for,
    load_song,
    open_backend,
    sequence,
    strikes_of,
)
from xylophone.gpio.null import TRACED, Trace, read_trace
from xylophone.gpio.realtime import DISPATCHER, be_punctual
from xylophone.tables import Rows

ROOT = Path(__file__).resolve().parents[1]
SONG, MIDDLING, DENSEST = "entertainer", "greensleeves", "flight_of_the_bumblebee"
LOADS = ("idle", "both cores busy", "busy thread")
METHODS = (
    "dispatcher",
    "dispatcher without FIFO",
    "mido play",
    "sleep loop",
    "sleep and spin",
    "sleep and spin with FIFO",
)
BEFORE = 0.7
"""s from the beginning to the first edge."""

CAP_IPC_LOCK, CAP_SYS_NICE, PR_CAPBSET_DROP = 14, 23, 24


def pulses_of(name: str, seconds: float) -> Rows:
    """Return a song's pulses, again and again for so many seconds, from 0 on."""
    instrument = build_instrument()
    strikes = strikes_of(arrange(load_song(ROOT / "songs" / f"{name}.mid"), instrument).notes)
    once = sequence(strikes, instrument, calibration_for(instrument, None)).pulses
    length = float(once["start"][-1]) + 0.5
    parts = []
    for turn in range(int(seconds / length) + 1):
        part = once.copy()
        part["start"] += turn * length
        parts.append(part)
    rows = np.concatenate(parts)
    return rows[rows["start"] < seconds]


def edges_of(pulses: Rows) -> list[tuple[float, int]]:
    """Return the on and off edges in order: (time, mask after it)."""
    changes = [(p["start"], 1, int(p["channel"])) for p in pulses]
    changes += [(p["start"] + p["width"], 0, int(p["channel"])) for p in pulses]
    mask, edges = 0, []
    for moment, on, channel in sorted(changes):
        mask = mask | 1 << channel if on else mask & ~(1 << channel)
        edges.append((float(moment), mask))
    return edges


def by_mido(edges: list[tuple[float, int]], zero: float, trace: Trace) -> None:
    """Play a MIDI file of the edges as mido does; ticks are 1/65,000 s, and their rounding no lateness."""
    song, line, before = mido.MidiFile(ticks_per_beat=32_500), mido.MidiTrack(), 0
    for number, (moment, _) in enumerate(edges):
        tick = round(moment * 65_000)
        line.append(mido.Message("note_on", note=number % 128, time=tick - before))
        before = tick
    song.tracks.append(line)
    masks = iter(edges)
    wait = zero - time.monotonic()
    time.sleep(wait - 0.001)
    while time.monotonic() < zero:
        pass
    for message in song.play():
        if message.type == "note_on":
            trace.add(next(masks)[1])


def by_sleeping(edges: list[tuple[float, int]], zero: float, trace: Trace) -> None:
    """Sleep until each edge."""
    for moment, mask in edges:
        if (wait := zero + moment - time.monotonic()) > 0:
            time.sleep(wait)
        trace.add(mask)


def by_spinning(edges: list[tuple[float, int]], zero: float, trace: Trace) -> None:
    """Sleep until 1 ms before each edge, then spin."""
    for moment, mask in edges:
        if (wait := zero + moment - time.monotonic() - 0.001) > 0:
            time.sleep(wait)
        while time.monotonic() < zero + moment:
            pass
        trace.add(mask)


def by_spinning_with_rights(edges: list[tuple[float, int]], zero: float, trace: Trace) -> None:
    """Do the same with all that the dispatcher has: what this machine can do at best, and how noisy it is."""
    be_punctual(DISPATCHER)
    by_spinning(edges, zero, trace)


PEERS: dict[str, Callable[[list[tuple[float, int]], float, Trace], None]] = {
    "mido play": by_mido,
    "sleep loop": by_sleeping,
    "sleep and spin": by_spinning,
    "sleep and spin with FIFO": by_spinning_with_rights,
}


def by_dispatcher(pulses: Rows, path: str) -> dict[str, Any]:
    """Have the GPIO backend play; return its zero and what both processes took of a core."""
    with open_backend(f"gpio:null?trace={path}", build_instrument()) as backend:
        begin = backend.now() + BEFORE
        rows, given = pulses.copy(), 0
        rows["start"] += begin
        used = [cpu_time(process) for process in backend.line.processes]
        while given < len(rows):
            due = int(np.searchsorted(rows["start"], backend.now() + backend.lookahead))
            backend.schedule(rows[given:due])
            given = due
            time.sleep(0.1)
        time.sleep(rows["start"][-1] + 0.2 - backend.now())
        length = backend.now() - begin
        spent = [(cpu_time(p) - u) / length for p, u in zip(backend.line.processes, used, strict=True)]
        report = backend.report()
        faults = [fault.message for fault in backend.poll()]
        return {
            "zero": backend.clock.zero + begin,
            "cpu": spent,
            "late": report.late,
            "refused": sum(report.refused.values()),
            "trips": report.notes["trips"],
            "writes": report.notes["writes"],
            "faults": faults,
        }


def cpu_time(process: int) -> float:
    """Return the seconds of CPU that a process has taken."""
    fields = Path(f"/proc/{process}/schedstat").read_text().split()
    return int(fields[0]) / 1e9


@contextmanager
def load(kind: str) -> Iterator[None]:
    """Keep both cores busy, or a thread of this process, while the block runs."""
    cores = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
        for _ in range(os.cpu_count() or 1 if kind == "both cores busy" else 0)
    ]
    ended = threading.Event()

    def spin() -> None:
        while not ended.is_set():
            sum(range(1000))

    thread = threading.Thread(target=spin)
    if kind == "busy thread":
        thread.start()
    try:
        yield
    finally:
        ended.set()
        if thread.is_alive():
            thread.join()
        for core in cores:
            core.kill()
            core.wait()


def without_rights() -> None:
    """Give up, for this process and all that it starts, what permits real-time priority and locked memory."""
    import ctypes
    import resource

    for capability in (CAP_SYS_NICE, CAP_IPC_LOCK):
        ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    for limit in (resource.RLIMIT_RTPRIO, resource.RLIMIT_MEMLOCK):
        resource.setrlimit(limit, (0, 0))


def play_once(method: str, kind: str, song: str, seconds: float, path: str) -> dict[str, Any]:
    """Play by one method under one load; return what it says of itself."""
    pulses = pulses_of(song, seconds)
    with load(kind):
        if method not in PEERS:
            return by_dispatcher(pulses, path)
        zero = time.monotonic() + BEFORE
        PEERS[method](edges_of(pulses), zero, Trace(path))
        return {"zero": zero, "faults": []}


def run(method: str, kind: str, song: str, seconds: float) -> dict[str, Any]:
    """Have a process of its own play; add how late each on edge was, and how wide each pulse."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/writes"
        ran = subprocess.run(
            [sys.executable, __file__, "--once", json.dumps([method, kind, song, seconds, path])],
            stdout=subprocess.PIPE,
            check=True,
            preexec_fn=without_rights if method.endswith("without FIFO") else None,
        )
        said: dict[str, Any] = json.loads(ran.stdout)
        trace = read_trace(path)
    assert len(trace) < TRACED
    return said | matched(pulses_of(song, seconds), trace, said["zero"])


def matched(pulses: Rows, trace: list[tuple[int, int]], zero: float) -> dict[str, Any]:
    """Return lateness and width errors in us, the strikes that were missed, and the coils that are stuck."""
    ons: dict[int, list[int]] = {}
    offs: dict[int, list[int]] = {}
    before = 0
    for moment, mask in trace:
        for channel in range(64):
            if (mask ^ before) >> channel & 1:
                (ons if mask >> channel & 1 else offs).setdefault(channel, []).append(moment)
        before = mask
    late, wide, when, missed = [], [], [], 0
    for channel in np.unique(pulses["channel"]):
        mine = pulses[pulses["channel"] == channel]
        on, off = np.array(ons.get(channel, [])), np.array(offs.get(channel, []))
        asked = (mine["start"] + zero) * 1e9
        if len(on) < len(asked):  # some are missing: each that was made belongs to the nearest
            near = np.abs(asked[None, :] - on[:, None]).argmin(axis=1)
            missed += len(asked) - len(on)
            asked, mine = asked[near], mine[near]
        when += mine["start"].tolist()
        late += ((on - asked) / 1e3).tolist()
        wide += ((off[: len(on)] - on[: len(off)]) / 1e3 - mine["width"][: len(off)] * 1e6).tolist()
    return {"start": when, "lateness": late, "width": wide, "missed": missed, "stuck": before.bit_count()}


def summary(values: list[float]) -> tuple[float, float, float]:
    """Return median, 99th percentile and maximum of the magnitudes."""
    median, most, worst = np.percentile(np.abs(values), (50, 99, 100))
    return float(median), float(most), float(worst)


LIMITS: dict[tuple[str, str], tuple[tuple[float, ...], tuple[float, ...]]] = {
    ("dispatcher", "idle"): ((5, 60), (2, 40)),
    ("dispatcher without FIFO", "idle"): ((5, 100), (2, 40)),
    ("dispatcher", "both cores busy"): ((float("inf"), 1000), (float("inf"), 100)),
}
"""Median and 99th percentile that are asked for, and aimed at."""


def compare(seconds: float) -> list[Figure]:
    """Measure all methods under all loads, turn by turn."""
    figures, p99, runs = [], {}, [(load, method) for load in LOADS for method in METHODS]
    for kind, method in track(runs, "playing", transient=True):
        said = run(method, kind, SONG, seconds)
        late = summary(said["lateness"])
        p99[method, kind] = late[1]
        at_least, aim = LIMITS.get((method, kind), ((), ()))
        trouble = "; ".join(
            filter(None, [f"{said['missed']} missed" if said["missed"] else "", *said["faults"][:1]])
        )
        figures.append(
            Figure(
                f"{kind}: {method}: median / p99 / max",
                late,
                "us",
                at_least,
                aim,
                digits=0,
                note=trouble[:60],
            )
        )
        if method == "dispatcher" and kind == "idle":
            figures.append(
                Figure("width error, idle: p99", summary(said["width"])[1:2], "us", (100,), (20,), digits=0)
            )
    gain = p99["mido play", "both cores busy"] / p99["dispatcher", "both cores busy"]
    figures.append(
        Figure("both cores busy: p99 of mido's play against the dispatcher's", (gain,), "x", (20,), more=True)
    )
    notice = p99["dispatcher", "busy thread"] / p99["dispatcher", "idle"]
    figures.append(Figure("busy thread in the host: p99 against idle", (notice,), "x", (2,), (1.1,)))
    return figures


def endure(minutes: float) -> list[Figure]:
    """Play the densest song for minutes, a middling one for one; nothing may be missed, stuck, or drift."""
    dense, calm = run("dispatcher", "idle", DENSEST, 60 * minutes), run("dispatcher", "idle", MIDDLING, 60)
    in_time = np.array(dense["lateness"])[np.argsort(dense["start"], kind="stable")]
    tenth = max(1, len(in_time) // 10)
    # By the most punctual of each tenth: a drift moves all, noise of this machine only some.
    drift = float(np.percentile(in_time[-tenth:], 10) - np.percentile(in_time[:tenth], 10))
    strikes = len(in_time) + dense["missed"]
    lost = (dense["missed"], dense["late"], dense["refused"], dense["stuck"], dense["trips"])
    return [
        Figure(
            f"{minutes:g} minutes, {strikes} strikes: missed, late, refused, stuck, trips",
            lost,
            "",
            (0,) * 5,
            digits=0,
        ),
        Figure(
            "drift from the first tenth to the last, rounded to 1 us",
            (float(round(abs(drift))),),
            "us",
            (0,),
            (0,),
            digits=0,
        ),
        Figure("lateness: median / p99 / max", summary(dense["lateness"]), "us", (5, 60), (2, 40), digits=0),
        Figure("width error: p99 / max", summary(dense["width"])[1:], "us", (100,), (20,), digits=0),
        Figure(
            "CPU, middling song: dispatcher and watchdog",
            (100 * sum(calm["cpu"]),),
            "% of a core",
            (5,),
            (2,),
        ),
        Figure(
            "CPU, densest song: dispatcher / watchdog", tuple(100 * c for c in dense["cpu"]), "% of a core"
        ),
    ]


@click.command()
@click.option("--seconds", default=15.0, show_default=True, help="Length of each run.")
@click.option("--minutes", default=1.0, show_default=True, help="How long the densest song is played.")
@click.option("--deaths", "times", default=3, show_default=True, help="How often each death.")
@click.option("--on", "kind", default="null", help="Deaths: 595, mcp23017 or pins, on a fake Pi.")
@click.option("--only", type=click.Choice(["methods", "minutes", "deaths", "writes"]), help="One part of it.")
@click.option("--once", help="Play once, as JSON says: for the processes that this program starts.")
def main(seconds: float, minutes: float, times: int, kind: str, only: str | None, once: str | None) -> None:
    """Measure; exit code 1 where what is asked at least was missed."""
    if once is not None:
        click.echo(json.dumps(play_once(*json.loads(once))))
        return
    parts: dict[str, tuple[str, Callable[[], list[Figure]]]] = {
        "methods": ("lateness of on edges", lambda: compare(seconds)),
        "minutes": ("the densest song", lambda: endure(minutes)),
        "writes": ("a chord at the output", writes),
        "deaths": ("from a death to outputs off", lambda: deaths(times, kind)),
    }
    sys.exit(show_parts(parts, only))


if __name__ == "__main__":
    main()
