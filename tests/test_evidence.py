"""docs/evidence.md: every promise says how far it was tried, and by what; what it names is there."""

from __future__ import annotations

import re

import click
import pytest

from imports import ROOT
from xylophone.cli import cli

PAGE = (ROOT / "docs" / "evidence.md").read_text(encoding="utf-8")
LEVELS = ("on paper", "simulated", "emulated", "on a real kernel", "on real hardware")
TESTS = {
    name
    for path in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^\s*def (test_\w+)", path.read_text(encoding="utf-8"), re.M)
}


def rows() -> list[tuple[str, str, str]]:
    """Return what is promised, how far it was tried, and by what."""
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in PAGE.splitlines()
        if line.startswith("| ")
    ]
    return [(row[0], row[1], row[2]) for row in cells if len(row) == 3 and row[0] != "promise"]


def code(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


@pytest.mark.parametrize(("promise", "level", "by"), rows())
def test_a_promise_says_how_far_and_by_what(promise: str, level: str, by: str) -> None:
    assert level in LEVELS[:-1], promise  # nothing was tried on real hardware yet
    named = code(by)
    assert named or level == "on paper"
    for words in named:
        if words.startswith("test_"):
            assert words in TESTS
        elif words.startswith(("python ", "sudo scripts/")):
            assert (ROOT / words.split()[1]).is_file(), words
        elif words.startswith("xylophone "):
            assert is_command(words.split()[1:]), words
        else:
            assert words == "./xylo test", words


def is_command(words: list[str]) -> bool:
    """Tell whether these words name a command."""
    command: click.Command | None = cli
    for word in words:
        if not isinstance(command, click.Group):
            break
        command = command.get_command(click.Context(command), word)
    return command is not None and not isinstance(command, click.Group)


def test_the_levels_are_told() -> None:
    assert [level for level in LEVELS if f"| {level} |" in PAGE] == list(LEVELS)
    assert "Nothing here has been tried on real hardware yet" in PAGE


@pytest.mark.parametrize("page", ["README.md", "docs/firmware.md", "docs/wiring.md", "docs/unattended.md"])
def test_a_page_that_promises_leads_here(page: str) -> None:
    assert "evidence.md" in (ROOT / page).read_text(encoding="utf-8")


CLAIM = re.compile(
    r"[^.\n|]*(?:(?:tested|tried|proven|measured|verified|used) (?:on|with|in) (?:an? |the )?"
    r"(?:real|actual|physical) (?:hardware|coil|board|mega|pi|instrument)|in daily use|field-tested)[^.\n|]*",
    re.IGNORECASE,
)
DENIAL = re.compile(r"\b(nothing|none|not|nobody|no)\b", re.IGNORECASE)
PAGES = [path.relative_to(ROOT).as_posix() for path in [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]]


@pytest.mark.parametrize("page", PAGES)
def test_no_page_claims_real_hardware(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert not [found[0] for found in CLAIM.finditer(text) if not DENIAL.search(found[0])]
