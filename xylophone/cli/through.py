"""`xylophone play` through an owner: its music, on this terminal's screen and by this terminal's keys."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

import click

from ..backends.contract import Coils
from ..clock import SystemClock
from ..errors import BackendError, BackendMissing, FileError, PlayerError, SafetyError, XylophoneError
from ..owner.client import NOBODY, OwnerClient, error_of
from ..owner.songs import in_lines
from ..player import PlayerState
from ..running.playing import leaving_on_signals
from ..words import counted, lost_words
from .incidents import with_words
from .mirror import Mirror
from .owned import RELEASE, State, stopped_words
from .printing import beep, has_pictures, say, warn, warn_all
from .screen import View, busy, reading_keys, show
from .suspended import suspending
from .waiting import wait_for_board
from .wanted import Wanted

ORDERS: dict[str, tuple[str, dict[str, float]]] = {
    "space": ("toggle", {}),
    "left": ("seek", {"by": -5.0}),
    "right": ("seek", {"by": 5.0}),
    "up": ("volume", {"by": 5.0}),
    "down": ("volume", {"by": -5.0}),
    "+": ("speed", {"times": 1.05}),
    "-": ("speed", {"times": 1 / 1.05}),
    "n": ("next", {}),
    "p": ("previous", {}),
    "q": ("end", {}),
}
"""Key: what the owner is asked for."""

LOOK = 0.05
"""s between two looks at what else there is to do, while there are pictures."""

ANEW = 0.2
"""s between two questions for the place in the music, while there are pictures."""

CONFIRMED_WITHIN = 2.0
"""s in which the coils of what has ended are said to be off."""

WINDOW = 200
"""Entries of the queue that are asked for at once."""


def owner_for(here: bool, detach: bool) -> OwnerClient | None:
    """Return a client of the owner that runs; None where none does, or it shall not be asked."""
    if here and detach:
        raise click.UsageError("--detach leaves the music to the owner, --here plays without it: give one")
    if here:
        return None
    try:
        return OwnerClient.connect()
    except BackendMissing:
        if detach:
            raise BackendMissing(f"--detach leaves the music to the owner, and {NOBODY}") from None
        return None
    except FileError as error:
        raise FileError(f"{error}; or play without it: --here") from error


def play_through(
    owner: OwnerClient, wanted: Wanted, quiet: bool, detach: bool, wait: bool
) -> XylophoneError | None:
    """Have an owner play, and let go of it; return the last error of a song that was left out."""
    with owner:
        through = Through(owner, wanted, quiet, detach)
        through.begin(wait)
    return through.failed


class Through:
    """Songs that an owner plays for this client; `failed` is the last error of one that was left out."""

    def __init__(self, owner: OwnerClient, wanted: Wanted, quiet: bool, detach: bool) -> None:
        self._owner, self._wanted, self._quiet, self._detach = owner, wanted, quiet, detach
        self._pictures = has_pictures() and not quiet
        self._clock = SystemClock()
        self._mirror = Mirror(len(owner.greeting["bars"]))
        self._entries: dict[int, str] = {}  # ours, and which of how many each is
        self._pressed: set[int] = set()  # requests that a key has made
        self._told: set[str] = set()
        self._base: Mapping[str, Any] = {}  # the state when it began
        self._asked, self._line = 0.0, ""
        self._foreign: tuple[int, bool] | None = None
        self.failed: XylophoneError | None = None

    def begin(self, wait: bool) -> None:
        """Play to the end, once a board has come where that is waited for; to detach, to the beginning."""
        owner = self._owner
        if not self._quiet:
            say(f"through the owner, process {owner.peer.pid}, on {owner.greeting['backend']}")
        owner.do("subscribe", what=["state", "ahead"] if self._pictures else ["state"])
        with leaving_on_signals():
            wait_for_board(self.play) if wait else self.play()

    def play(self, came: Callable[[], None] = lambda: None) -> None:
        """Play to the end; `came` is called when the first song has begun."""
        with busy("arranging", self._quiet):
            self._ask_for_songs()
        came()
        if self._detach:
            self._tell_song()
            return
        try:
            with self._watching() as look:
                self._attend(look)
        except (KeyboardInterrupt, SystemExit) as leaving:
            self._owner.do("end")
            raise with_words(leaving, *self._goodbye()) from leaving
        except (SafetyError, BackendError) as error:
            if self.state in (PlayerState.STOPPED, PlayerState.FAILED):
                raise with_words(error, *self._goodbye()) from error
            raise
        self._goodbye(last=True)

    def now(self) -> float:
        """Return the owner's time."""
        return self._clock.zero + self._clock.now() - float(self._owner.greeting["zero"])

    @property
    def state(self) -> PlayerState:
        """What the owner does."""
        return self._mirror.playing

    def pause(self) -> None:
        """Have it pause between two notes."""
        self._owner.ask("pause")

    def resume(self) -> None:
        """Have it go on."""
        self._owner.ask("resume")

    def press(self, key: str) -> None:
        """Ask for what a key means."""
        if key in ORDERS:
            name, arguments = ORDERS[key]
            self._pressed.add(self._owner.ask(name, **arguments))

    def _ask_for_songs(self) -> None:
        owner, wanted, entries = self._owner, self._wanted, list[int]()
        attached = {} if self._detach else {"attached": True}
        for name, songs in zip(["play", *["add"] * len(wanted.songs)], in_lines(wanted.songs), strict=False):
            more = {**wanted.manner, **attached} if name == "play" else {}
            try:
                answer = owner.do(name, songs=songs, **more)
            except XylophoneError as error:
                raise self._explained(error) from error
            entries += answer["entries"]
            self._base = self._base if name == "add" else answer["state"]
            self._mirror.see(answer["state"])
        self._entries = dict(zip(entries, wanted.places, strict=True))
        if wanted.part is not None:
            owner.do("loop", begin=wanted.part[0], end=wanted.part[1])

    def _explained(self, error: XylophoneError) -> XylophoneError:
        """Return an error of a song, told with whose rights it was read where they are another's."""
        peer = self._owner.peer
        if not isinstance(error, FileError) or peer.uid == os.getuid():
            return error
        return FileError(f"{error}; the owner plays as {peer.name}, who has to be able to read it")

    def _attend(self, look: Callable[[float], object]) -> None:
        """Take what comes until no song of ours plays or is to come; raises what ends it before."""
        self._tell_song()
        while self._goes_on():
            line = self._owner.take(LOOK if self._pictures else 1.0)
            if line is not None:
                self._take(line)
            look(self.now())
            if self._pictures and self._clock.now() >= self._asked + ANEW:
                self._asked = self._clock.now()
                self._owner.ask("state")

    def _take(self, line: Mapping[str, Any]) -> None:
        event = line.get("event")
        state = line.get("state") or line.get("ok", {}).get("state")
        if state is not None and self._mirror.see(state):
            self._tell_song()
        elif event == "song":
            self._remark(line)
        elif event == "fault":
            warn(line["message"])
        elif event in ("ahead", "back"):
            self._mirror.hear(line)
        elif event == "bye":
            raise BackendError(f"the owner leaves, and the music ends: {line['why']}")
        elif "error" in line and line.get("id") in self._pressed:
            beep()

    def _goes_on(self) -> bool:
        """Tell whether songs of ours play or are to come; SafetyError, or what has failed, where none can."""
        state = self._mirror.state
        if self.state is PlayerState.STOPPED:
            raise SafetyError(f"{stopped_words(state['stopped'])}; {RELEASE}")
        if self.state is PlayerState.FAILED and state["message"] is not None:
            raise error_of({"kind": state["kind"] or "BackendError", "message": state["message"]})
        song = state["song"]
        if song is None:
            return state["preparing"] is not None or state["state"] in ("opening", "failed")
        return song["entry"] in self._entries or self._come_later(song)

    def _come_later(self, song: Mapping[str, Any]) -> bool:
        """Tell whether songs of ours follow one that is not; PlayerError where it has taken their place."""
        if self._foreign is None or self._foreign[0] != song["entry"]:
            ids = [row["entry"] for row in self._owner.do("queue", count=WINDOW)["entries"]]
            after = self._owner.do("queue", first=song["entry"], count=WINDOW)["entries"]
            if not self._entries.keys() & {*ids, *(row["entry"] for row in after)}:
                raise PlayerError(f"something else was asked for, and plays: {song['title']}")
            self._foreign = song["entry"], any(row["entry"] in self._entries for row in after)
        return self._foreign[1]

    def _remark(self, told: Mapping[str, Any]) -> None:
        """Print what there is to say of a song, once; note where that is a mistake."""
        new = [line for line in told["lines"] if line not in self._told]
        self._told.update(new)
        warn_all(new)
        if told["kind"] is not None:
            self.failed = error_of({"kind": told["kind"], "message": " ".join(told["lines"])})

    def _tell_song(self) -> None:
        """Say what plays now, where it is not shown and was not said."""
        song = self._mirror.state.get("song")
        if self._quiet or (self._pictures and not self._detach) or song is None:
            return
        place = self._entries.get(song["entry"], "")
        line = f"playing {song['title']}{f' ({place})' if place else ''}"
        if line != self._line:
            say(line)
        self._line = line

    @contextmanager
    def _watching(self) -> Iterator[Callable[[float], object]]:
        """Show bars and position and read keys while the block runs, where there is a terminal."""
        if not self._pictures:
            yield lambda now: None
            return
        mirror = self._mirror
        keys = reading_keys(self.press) if sys.stdin.isatty() else nullcontext()
        view = View(
            self._owner.greeting["bars"],
            self.now,
            mirror.shades,
            lambda: mirror.snapshot(self.now()),
            lambda entry: self._entries.get(entry, ""),
        )
        with show(view) as shown, keys, suspending(self, self.now, shown) as look:
            yield look

    def _goodbye(self, last: bool = False) -> tuple[str, ...]:
        """Tell how much was played and what was not; return what is known of the coils, or tell it as `last`.

        BackendError where nothing confirms, at the last, that they are off.
        """
        state = self._settled()
        coils = () if "coils" not in state else (str(state["coils"]),)
        if "struck" in state:
            words = [f"played {counted(max(0, state['struck'] - self._base['struck']), 'strike')}"]
            if lost := lost_words(Counter(state["not_struck"]) - Counter(self._base["not_struck"])):
                words.append(lost)
            if not self._quiet:
                say("; ".join([*words, *(coils if last else ())]))
            elif lost:
                warn("; ".join(words))
        if last and coils == (str(Coils.UNCONFIRMED),):
            raise BackendError(coils[0])
        return coils

    def _settled(self) -> State:
        """Return the state once the coils are said to be off, or that takes too long."""
        end = self._clock.now() + CONFIRMED_WITHIN
        while True:
            state: State = self._owner.do("state")["state"]
            if state.get("coils") != str(Coils.UNCONFIRMED) or self._clock.now() >= end:
                return state
            self._clock.wait_until(self._clock.now() + LOOK)
