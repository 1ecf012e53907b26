"""docs/arranging.md names every weight with its default, every preset and every reason."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from xylophone.arranger import PRESETS, Reason, Weights, rating, voices
from xylophone.arranger.quality import POINTS


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs" / "arranging.md").read_text(encoding="utf-8")


def documented(page: str) -> dict[str, float]:
    """Return the weights in the tables of the page with their values."""
    found = {}
    for names, values in re.findall(r"^\| (`[a-z_`, ]+) \|[^|]*\| ([\d., ]+) \|$", page, re.MULTILINE):
        for name, value in zip(re.findall(r"`(\w+)`", names), values.split(", "), strict=True):
            found[name] = float(value)
    return found


def test_every_weight_stands_there_with_its_default(page: str) -> None:
    tables = page[page.index("## The cost") : page.index("### Volume")]
    named = {field.name: field.default for field in fields(Weights)}
    costs = {
        name: value
        for name, value in named.items()
        if isinstance(value, float) and name not in ("gap", "density")
    }
    assert documented(tables) == costs
    for name in ("chord", "gap", "density", "seconds", "counterpoint = 2"):
        assert f"`{name}`" in page


def test_every_preset_and_reason_is_explained(page: str) -> None:
    for name in (*PRESETS, *(reason.word for reason in Reason if reason)):
        assert f"`{name}`" in page


def test_signs_of_a_melody_and_points_of_the_score_are_those_of_the_program(page: str) -> None:
    assert f"with {rating._BETTER:g} points more" in page
    assert (
        f"in the {rating._NEAR * voices._SLOT:g} s before and after ({rating._HERE:g} of the rating)" in page
    )
    assert f"as much as {voices._HAND_OVER:g} points for a slot" in page
    assert f"holds a note (for {voices._HELD * voices._SLOT:g} s at most)" in page
    for sign, ends in (
        ("no other of the part beside them", rating._ALONE),
        ("reached by up to four semitones", rating._STEPS),
        ("contour: standard deviation of pitch, in semitones", rating._CONTOUR),
        ("compass: the same", rating._RANGE),
    ):
        assert f"{sign} | {ends[0]:g} | {ends[1]:g} |" in page
    assert f"sings while others play chords, as below | {rating._SINGS:g} |" in page
    assert f"begin with its notes, as below | {rating._LYRICS:g} |" in page
    assert f"at least {rating._THICK[1]:g} of the notes of all others" in page
    assert f"nothing at {rating._SAID[0]:g}, all from {rating._SAID[1]:g}" in page
    assert f"rests for {voices._REST * voices._SLOT:g} s does not lead" in page
    for _, points in rating._NAMED:
        assert f"| {points:g} |" in page
    score = page[page.index("## The score") :]
    for points, _ in POINTS.values():
        assert f"{points:g} for" in score
