"""An evening of three clients that ask for whatever they like, and the laws that hold all the same."""

from __future__ import annotations

import tempfile
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from owner.held import Held, song

BEATS, SONGS = 7, 4
"""Songs of as many notes, each note on a bar of its own: a bar tells which note of which song it is."""

CUTS = {"play", "next", "previous", "end", "stop"}
"""Commands after which what plays need not go on."""

COMMANDS = {
    "play": 3,
    "add": 3,
    "insert": 1,
    "pause": 4,
    "resume": 4,
    "toggle": 2,
    "next": 3,
    "previous": 2,
    "speed": 4,
    "volume": 4,
    "move": 3,
    "remove": 3,
    "clear": 1,
    "shuffle": 2,
    "repeat": 1,
    "finish": 1,
    "end": 1,
    "stop": 2,
    "release": 6,
}
"""Command, and how often it is drawn."""


@dataclass
class Evening:
    """What was asked for when, and what came of it."""

    held: Held
    songs: list[dict[str, Any]]
    rng: np.random.Generator
    asked: list[tuple[float, str, Future[Any]]] = field(default_factory=list)

    def draw(self) -> None:
        """Ask for something now."""
        weights = np.array(list(COMMANDS.values()), float)
        name = str(self.rng.choice(list(COMMANDS), p=weights / weights.sum()))
        answer = self.held.ask(name, **self.arguments(name))
        self.asked.append((self.held.clock.now(), name, answer))

    def arguments(self, name: str) -> dict[str, Any]:
        rng, queue = self.rng, self.held.core.queue
        some = [self.songs[place] for place in rng.integers(0, SONGS, rng.integers(1, 4))]
        number = int(rng.choice([entry.number for entry in queue.entries])) if queue.entries else 1
        return {
            "play": {"songs": some, "gap": float(rng.choice([0, 0.2, 1]))},
            "add": {"songs": some},
            "insert": {"songs": some},
            "speed": {"times": float(rng.uniform(0.7, 1.4))},
            "volume": {"by": int(rng.integers(-20, 20))},
            "move": {"entry": number, "to": int(rng.integers(0, 4))},
            "remove": {"entries": [number]},
            "shuffle": {"seed": int(rng.integers(0, 99))},
            "repeat": {"on": bool(rng.integers(0, 2))},
            "finish": {"on": bool(rng.integers(0, 2))},
        }.get(name, {})

    def taken(self, *names: str) -> list[float]:
        """Return when one of these commands was asked for and done."""
        return [
            moment
            for moment, name, answer in self.asked
            if name in names and answer.done() and answer.exception(0) is None
        ]


def evening(seed: int, steps: int) -> Evening:
    """Let three clients ask for something at random moments, for so many steps in all."""
    rng = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as folder:
        held = Held(Path(folder))
        songs = [song(Path(folder), str(n), BEATS, 67 + BEATS * n) for n in range(SONGS)]
        held.core.manner.volume = 0.8
        night = Evening(held, songs, rng)
        for moment in np.sort(rng.uniform(0.5, 0.5 + 0.7 * steps, steps)):
            held.clock.at(float(moment), night.draw)
        held.until(0.7 * steps + 20.0)
        return night


def struck(held: Held) -> list[tuple[float, int]]:
    """Return each hit and which note it is, counted through all songs."""
    places = {hammer.channel: place for place, hammer in enumerate(held.backends[0].instrument.hammers)}
    hits = [hit for backend in held.backends for hit in backend.outcome().hits if not hit["double"]]
    return sorted((float(hit["time"]), places[int(hit["channel"])]) for hit in hits)


def check_order(night: Evening) -> None:
    """Each note is followed by the next of its song, or by the first of another after a cut or an end."""
    cuts = night.taken(*CUTS)
    hits = struck(night.held)
    for (before, note), (after, following) in pairwise(hits):
        if following == note + 1 and following % BEATS:
            continue
        told = f"note {note} at {before:.3f}, then {following} at {after:.3f}"
        assert following % BEATS == 0, told
        if note % BEATS < BEATS - 1:
            assert any(before - 0.15 < cut < after for cut in cuts), told


def check_latch(night: Evening) -> None:
    """After a stop nothing is heard until a release, but what had left its coil."""
    marks = sorted(
        [(t, "stop") for t in night.taken("stop")] + [(t, "release") for t in night.taken("release")]
    )
    times = np.array([time for time, _ in struck(night.held)])
    for place, (moment, name) in enumerate(marks):
        if name == "stop":
            released = next((t for t, other in marks[place:] if other == "release"), np.inf)
            assert not np.any((times > moment + 0.03) & (times < released)), (
                f"heard after the stop at {moment}"
            )


def check_told(night: Evening) -> None:
    """What was told and not taken back is what was heard, but for blows that a silence has cut."""
    standing: list[tuple[float, float]] = []
    for event in night.held.events:
        if event["event"] == "ahead":
            standing += [(strike[3], strike[0]) for strike in event["strikes"]]
        elif event["event"] == "back":
            standing = [strike for strike in standing if strike[0] < event["from"]]
    silences = [moment for moment, name, _ in night.asked if name in ("stop", "end", "next", "play")]
    end = night.held.clock.now() - 0.03
    whole = [
        (start, contact)
        for start, contact in standing
        if start < end and not any(start - 1e-3 <= moment < start + 0.03 for moment in silences)
    ]
    times = np.array([time for time, _ in struck(night.held)])
    for start, contact in whole:
        assert len(times), f"nothing heard of {contact:.3f}"
        assert np.abs(times - contact).min() < 5e-3, (
            f"told and not heard: {contact:.3f}, coil on at {start:.3f}"
        )
    assert len(times) <= len(standing)


def check(night: Evening) -> None:
    """Raise AssertionError for an evening on which a law did not hold."""
    check_order(night)
    check_latch(night)
    check_told(night)
    assert all(answer.done() for _, _, answer in night.asked), "something was never answered"
