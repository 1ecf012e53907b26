"""`xylophone serve` as a process: what clients are told is so, and what a stop promises outlasts its end."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import programs
from cli.conftest import Ran, Serve
from xylophone.backends.contract import Coils
from xylophone.cli.owned import RELEASE
from xylophone.owner.client import OwnerClient

Run = Callable[..., Ran]


def reaches(state: str) -> dict[str, Any]:
    """Wait until an owner is in a state, and return all of it."""
    with OwnerClient.connect() as owner:
        for event in owner.follow("state"):
            if event["event"] == "state" and event["state"]["state"] == state:
                return dict(event["state"])
    raise AssertionError("the owner has left")


def documented(root: Path) -> set[str]:
    """Return the keys that docs/service.md says a state has."""
    table = (root / "docs" / "service.md").read_text().split("## The state")[1].split("\n## ")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return {key for cell in cells for key in re.findall("`([^`]+)`", cell)}


def test_what_is_added_plays_and_does_what_it_is_told(xylophone: Run, serve: Serve, root: Path) -> None:
    serve()
    reaches("idle")
    assert xylophone("status").out.startswith("state:        nothing plays\n")
    assert xylophone("add", "sakura", "twinkle").code == 0
    state = reaches("playing")
    assert state["song"]["title"] == "Sakura, sakura"
    assert state.keys() | {"coils"} == documented(root)
    assert xylophone("pause").out.startswith("paused in Sakura, sakura, 0:0")
    assert xylophone("volume", "40").out == "volume 40\n"
    assert xylophone("seek", "0:20").out == "paused in Sakura, sakura, 0:20 of 1:29, volume 40\n"
    assert xylophone("next").out.startswith("playing Ah, vous dirai-je, Maman")
    assert [row["state"] for row in xylophone("queue", "--json").json][-1] == "playing"


def test_a_stop_outlasts_a_kill_and_only_a_release_ends_it(xylophone: Run, serve: Serve) -> None:
    owner = serve()
    xylophone("add", "sakura")
    reaches("playing")
    stopped = xylophone("stop", "--why", "smoke").out.splitlines()
    assert stopped[0] == str(Coils.OFF)
    owner.kill()
    owner.wait()
    serve()
    assert reaches("stopped")["stopped"]["why"] == "smoke"
    assert (xylophone("resume").code, xylophone("next").code) == (4, 4)
    assert xylophone("add", "sakura").out.startswith("added 1 song: ")
    assert xylophone("status").out.startswith("state:        stopped by ")
    assert xylophone("release").code == 0
    assert xylophone("add", "sakura").code == 0
    reaches("playing")


def test_off_leaves_an_owner_that_hears_and_kills_one_that_stands_still(xylophone: Run, serve: Serve) -> None:
    owner = serve()
    xylophone("add", "sakura")
    reaches("playing")
    told = f"{Coils.OFF} (gpio:null); the owner, process {owner.pid}, stays; {RELEASE}\n"
    assert xylophone("off").out == told
    assert xylophone("release").code == 0
    xylophone("add", "sakura")
    reaches("playing")
    programs.stand_still(owner.pid)
    assert xylophone("off").out == f"{Coils.OFF} (gpio:null); killed process {owner.pid}; {RELEASE}\n"
    assert owner.wait() == -signal.SIGKILL
    serve()
    assert reaches("stopped")["stopped"]["why"].startswith("xylophone off; the owner did not answer")


def test_sigterm_ends_it_with_a_farewell_and_a_second_owner_is_refused(xylophone: Run, serve: Serve) -> None:
    owner = serve()
    refused = xylophone("serve", "--backend", "sim:?realtime=1", "--mute")
    assert (refused.code, refused.err) == (
        3, f"xylophone: an owner runs already as process {owner.pid}: play by it, or end that one first\n"
    )  # fmt: skip
    with OwnerClient.connect() as client:
        following = client.follow("state")
        next(following)
        owner.send_signal(signal.SIGTERM)
        assert [event["event"] for event in following][-1] == "bye"
    assert owner.wait() == 143
    assert xylophone("status").code == 3
