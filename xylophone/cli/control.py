"""Commands to the owner of the instrument: pause, resume, next, previous, volume, seek, stop, release."""

from __future__ import annotations

import re
from typing import Any

import click

from ..errors import BackendError
from ..owner.client import OwnerClient
from .option_types import Seconds
from .owned import RELEASE, ask_owner, in_a_line, loudness, stopped_words
from .printing import say

SIGNED = {"ignore_unknown_options": True}
"""So that -5 is a value, no option."""

STOPPED_WITHIN = 2.0
"""s in which an owner has to say that the coils are off; `xylophone off` waits less, and kills it."""


class Step(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A value, or with a sign by how much it is changed: 60, +5, -5."""

    name = "[+-]number"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, float]:
        """Return `to` or `by`, as the owner takes it; a usage error for what is neither."""
        if isinstance(value, dict):
            return value
        text = str(value)
        by = text[:1] in ("+", "-")
        size = self.size(text[1:] if by else text, param, ctx)
        return {"by": -size if text[0] == "-" else size} if by else {"to": size}

    def size(self, text: str, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return what is written without a sign."""
        if not re.fullmatch(r"\d{1,6}(\.\d{1,6})?%?", text):
            self.fail(f"{text!r} is no number: write 60, +5 or -5", param, ctx)
        return float(text.rstrip("%"))


class TimeStep(Step):
    """A time, or with a sign by how much it is changed: 1:15, +10, -0:30."""

    name = "[+-]time"

    def size(self, text: str, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return seconds."""
        return Seconds(0, 360_000).convert(text, param, ctx)


@click.command()
def pause() -> None:
    """Pause the music between two notes."""
    say(in_a_line(ask_owner("pause")))


@click.command()
def resume() -> None:
    """Go on where the music was paused."""
    say(in_a_line(ask_owner("resume")))


@click.command("next")
def next_() -> None:
    """Go to the next song of the queue."""
    say(in_a_line(ask_owner("next")))


@click.command()
def previous() -> None:
    """Go to the beginning of the song, or to the song before."""
    say(in_a_line(ask_owner("previous")))


@click.command(context_settings=SIGNED)
@click.argument("to", type=Step(), metavar="[+-]0..100", required=False)
def volume(to: dict[str, float] | None) -> None:
    """Say or set how loud it plays, until it is set anew; +5 and -5 change it.

    0 is silent, 1 the softest sure blow, 100 as arranged.
    """
    say(loudness(ask_owner("state") if to is None else ask_owner("volume", **to)))


@click.command(context_settings=SIGNED)
@click.argument("to", type=TimeStep(), metavar="[+-]TIME")
def seek(to: dict[str, float]) -> None:
    """Go to a time of the song, 1:15, or by some seconds: +10, -10."""
    say(in_a_line(ask_owner("seek", **to)))


@click.command()
@click.option("--why", help="Why, for who releases it.")
def stop(why: str | None) -> None:
    """Switch all coils off at once; nothing plays until `xylophone release`, whatever is started anew."""
    coils: list[str] = []

    def came(line: dict[str, str]) -> None:
        coils.append(line["coils"])
        say(*coils)

    with OwnerClient.connect() as owner:
        try:
            more = {"why": why} if why else {}
            answer = owner.do("stop", within=STOPPED_WITHIN, early=came, **more)
        except BackendError as error:
            raise type(error)(f"{error}; end it with: xylophone off") from error
    if not coils:
        say(answer["coils"])
    say(f"{stopped_words(answer['state']['stopped'])}; {RELEASE}")
    _require_off(answer["coils"])


def _require_off(coils: str) -> None:
    """Raise BackendError where nothing has confirmed that the coils are off."""
    from ..backends.contract import Coils  # not before the stop is on its way: its room is slow to load

    if coils == str(Coils.UNCONFIRMED):
        raise BackendError("the owner cannot confirm that the coils are off: do now: xylophone off")


@click.command()
def release() -> None:
    """Let the instrument play again after a stop."""
    with OwnerClient.connect() as owner:
        before = owner.do("state")["state"]
        state = owner.do("release")["state"]
    known = before["stopped"]
    say(f"released, it was {stopped_words(known)}" if known else in_a_line(state))
