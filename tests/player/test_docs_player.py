"""The page about the player has the table of states as the player has it."""

from __future__ import annotations

from imports import ROOT
from xylophone.player import TRANSITIONS, PlayerState

PAGE = ROOT / "docs" / "player.md"


def documented(text: str) -> dict[PlayerState, dict[str, PlayerState]]:
    """Return the table that begins with the heads `command` and the names of the states."""
    begin = text.index("| command |")
    table = text[begin:].partition("\n\n")[0].splitlines()
    heads, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in table)
    states = [PlayerState(name) for name in heads[1:]]
    found: dict[PlayerState, dict[str, PlayerState]] = {state: {} for state in states}
    for command, *cells in rows:
        for state, cell in zip(states, cells, strict=True):
            if cell:
                found[state][command.strip("`")] = PlayerState(cell)
    return found


def test_the_page_has_every_transition_and_no_other() -> None:
    assert documented(PAGE.read_text(encoding="utf-8")) == TRANSITIONS


def test_a_transition_that_is_missing_or_wrong_in_the_page_is_seen() -> None:
    text = PAGE.read_text(encoding="utf-8")
    wrong = text.replace("| `pause` | | paused |", "| `pause` | | playing |")
    lacking = text.replace("| `resume` | | | playing | | |\n", "")
    assert wrong != text != lacking
    assert documented(wrong) != TRANSITIONS
    assert documented(lacking) != TRANSITIONS
