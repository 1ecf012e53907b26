"""`xylophone status`: what the owner of the instrument does, once or as it changes."""

from __future__ import annotations

from typing import Any

import click

from ..owner.client import OwnerClient
from ..running.playing import leaving_on_signals
from .owned import State, in_a_line, rows
from .printing import say, say_json, warn


@click.command()
@click.option("--follow", is_flag=True, help="Print a line for each change, until the owner leaves.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(follow: bool, as_json: bool) -> None:
    """Say what the owner of the instrument plays, and what is to come."""
    with OwnerClient.connect() as owner:
        if follow:
            with leaving_on_signals():
                _follow(owner, as_json)
            return
        state = owner.do("state")["state"]
        whose = {"process": owner.peer.pid, "user": owner.peer.name, "program": owner.greeting["program"]}
    if as_json:
        say_json({**state, **whose}, indent=2)
        return
    who = ("owner", f"process {whose['process']} of {whose['user']}, version {whose['program']}")
    for name, words in [*rows(state), who]:
        say(f"{name + ':':<13} {words}")


def _follow(owner: OwnerClient, as_json: bool) -> None:
    """Print each state that differs in what is printed, and what else is told, until the owner leaves."""
    last: object = None
    for event in owner.follow("state"):
        if event["event"] == "fault":
            warn(event["message"])
        elif event["event"] == "song":
            for line in event["lines"]:
                warn(line)
        elif event["event"] == "bye":
            warn(f"the owner leaves: {event['why']}")
        elif (told := _told(event["state"], as_json)) != last:
            last = told
            say_json(told) if as_json else say(str(told))


def _told(state: State, as_json: bool) -> Any:
    return state if as_json else in_a_line(state)
