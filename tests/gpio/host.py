"""A program that plays on a GPIO backend without end; tests end it, or parts of it.

`python host.py URL HAMMERS WIRING PERIOD`: the wiring as JSON, the period in s from strike to strike.

It says its processes first, then every fault as a line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from xylophone.backends import Backend, open_backend
from xylophone.errors import BackendError
from xylophone.instrument import Instrument, build_instrument
from xylophone.running.playing import leaving_on_signals
from xylophone.tables import PULSE
from xylophone.wiring import Wiring

WIDTH = 0.020
"""s; a coil is on for four fifths of the time if a strike begins every 0.025 s."""


def say(**content: object) -> None:
    """Print a line of JSON, at once."""
    print(json.dumps(content), flush=True)


@contextmanager
def told_of_coils(backend: Backend) -> Iterator[Backend]:
    """Close a backend, whatever happens, and say what it knows of its coils then."""
    try:
        with backend:
            yield backend
    finally:
        say(coils=backend.coils.name)


def play(url: str, instrument: Instrument, wiring: Wiring, period: float) -> None:
    """Play until a signal or a fatal fault comes."""
    with leaving_on_signals(), told_of_coils(open_backend(url, instrument, None, wiring)) as backend:
        say(processes=[os.getpid(), *backend.line.processes])
        begin, count = backend.now() + 0.05, 0
        while True:
            due = int((backend.now() + 0.3 - begin) / period) + 1
            rows = np.zeros(max(0, due - count), PULSE)
            rows["start"] = begin + period * np.arange(count, count + len(rows))
            rows["width"], rows["channel"] = WIDTH, np.arange(count, count + len(rows)) % len(instrument)
            count += len(rows)
            backend.schedule(rows)
            for fault in backend.poll():
                say(fault=fault.message, fatal=fault.fatal)
            time.sleep(0.02)


if __name__ == "__main__":
    url, hammers = sys.argv[1], int(sys.argv[2])
    whole = build_instrument()
    wiring = Wiring(**{k: tuple(v) if isinstance(v, list) else v for k, v in json.loads(sys.argv[3]).items()})
    try:
        instrument = Instrument(whole.name, whole.kind, whole.hammers[:hammers], whole.supply_limit)
        play(url, instrument, wiring, float(sys.argv[4]))
    except BackendError as error:
        say(error=str(error))
        sys.exit(1)
