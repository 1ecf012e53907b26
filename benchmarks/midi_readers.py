"""The readers of MIDI files that the benchmarks put side by side, each run in a process of its own.

As a program, `python midi_readers.py READER` reads paths from standard input, one a line, and
answers each with one line of JSON: notes, seconds, error. Closing its input makes it tell its peak
memory above what its imports took.
"""

from __future__ import annotations

import json
import resource
import selectors
import subprocess
import sys
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Reader = Callable[[str], int]


def xylophone() -> Reader:
    """This project's parser."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from xylophone.midifile import load_song

    return lambda path: len(load_song(path))


def _mido(clip: bool) -> Reader:
    import mido
    import numpy as np

    def read(path: str) -> int:
        song = mido.MidiFile(path, clip=clip)
        notes: list[tuple[int, int, int, int]] = []
        tempos = [(0, 500_000)]
        for track in song.tracks:
            tick = 0
            sounding: dict[tuple[int, int], deque[int]] = defaultdict(deque)
            for message in track:
                tick += message.time
                if message.type == "set_tempo":
                    tempos.append((tick, message.tempo))
                elif message.type == "note_on" and message.velocity:
                    sounding[message.channel, message.note].append(len(notes))
                    notes.append((tick, tick, message.note, message.velocity))
                elif message.type in ("note_on", "note_off") and sounding[message.channel, message.note]:
                    row = sounding[message.channel, message.note].popleft()
                    notes[row] = (notes[row][0], tick, *notes[row][2:])
        tempos.sort(key=lambda change: change[0])
        at, length = np.array(tempos).T
        start = np.concatenate(([0.0], np.cumsum(np.diff(at) * length[:-1])))
        ticks = np.array(notes).reshape(-1, 4)[:, :2]
        row = np.searchsorted(at, ticks, "right") - 1
        seconds = (start[row] + (ticks - at[row]) * length[row]) / (song.ticks_per_beat * 1e6)
        return len(seconds)

    return read


def mido_strict() -> Reader:
    """The library mido as it is, with a numpy tempo map."""
    return _mido(clip=False)


def mido_clip() -> Reader:
    """The library mido with data bytes over 127 clipped, and a numpy tempo map."""
    return _mido(clip=True)


def symusic() -> Reader:
    """The C++ reader symusic, in seconds."""
    import symusic

    return lambda path: sum(len(track.notes) for track in symusic.Score(path, ttype="second").tracks)


def pretty_midi() -> Reader:
    """The library pretty_midi."""
    import warnings

    import pretty_midi

    warnings.simplefilter("ignore")
    return lambda path: sum(len(track.notes) for track in pretty_midi.PrettyMIDI(path).instruments)


def miditoolkit() -> Reader:
    """The library miditoolkit, in ticks."""
    import miditoolkit

    return lambda path: sum(len(track.notes) for track in miditoolkit.MidiFile(path).instruments)


READERS: dict[str, Callable[[], Reader]] = {
    "xylophone": xylophone,
    "mido": mido_strict,
    "mido clip": mido_clip,
    "pretty_midi": pretty_midi,
    "miditoolkit": miditoolkit,
    "symusic": symusic,
}


@dataclass
class Outcome:
    """What a reader made of a file; `error` is empty, or its kind, or "hangs", or "dies"."""

    notes: int = 0
    seconds: float = 0.0
    error: str = ""
    line: str = ""


@dataclass
class Run:
    """A reader's outcomes, by path, and its peak memory in MB above its imports."""

    outcomes: dict[str, Outcome]
    peak_mb: float


def run_reader(name: str, paths: list[str], limit: float = 20.0) -> Run:
    """Have a reader read files in a child process; a file that takes longer than `limit` seconds hangs."""
    outcomes: dict[str, Outcome] = {}
    peak = 0.0
    while len(outcomes) < len(paths):
        peak = max(peak, _attempt(name, paths, limit, outcomes))
    return Run(outcomes, peak)


def _attempt(name: str, paths: list[str], limit: float, outcomes: dict[str, Outcome]) -> float:
    """Go on with the files that have no outcome until all have one or the child is lost."""
    child = subprocess.Popen(
        [sys.executable, __file__, name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    with child, selectors.DefaultSelector() as waiting:
        waiting.register(child.stdout, selectors.EVENT_READ)
        child.stdout.readline()  # its imports are done
        for path in paths:
            if path in outcomes:
                continue
            child.stdin.write(path + "\n")
            child.stdin.flush()
            answered = bool(waiting.select(limit))
            answer = child.stdout.readline() if answered else ""
            if not answer:
                outcomes[path] = Outcome(error="dies" if answered else "hangs")
                child.kill()
                return 0.0
            outcomes[path] = Outcome(**json.loads(answer))
        child.stdin.close()
        return float(child.stdout.readline())


def _outcome(read: Reader, path: str) -> Outcome:
    begin = time.perf_counter()
    try:
        notes = read(path)
    except Exception as error:
        return Outcome(0, time.perf_counter() - begin, type(error).__name__, str(error))
    return Outcome(notes, time.perf_counter() - begin)


def _peak_mb() -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def midi_files(folders: list[str]) -> list[str]:
    """Return every MIDI file in folders, sorted; what is named itself counts whatever its ending is."""
    endings = {".mid", ".midi", ".kar", ".rmi"}
    found = [
        path
        for folder in map(Path, folders)
        for path in (sorted(folder.rglob("*")) if folder.is_dir() else [folder])
        if path.is_file() and (path.suffix.lower() in endings or path == folder)
    ]
    return list(map(str, found))


def main() -> None:
    """Read the files named on standard input."""
    read = READERS[sys.argv[1]]()
    baseline = _peak_mb()
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(vars(_outcome(read, line.removesuffix("\n")))), flush=True)
    print(_peak_mb() - baseline, flush=True)


if __name__ == "__main__":
    main()
