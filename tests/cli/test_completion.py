"""Shells complete songs, layouts, presets and bars."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cli.conftest import Ran
from xylophone.cli.song_options import complete_songs

ASKED = [
    ("xylophone play greens", ["greensleeves"]),
    ("xylophone info --instrument song-", ["song-bell"]),
    ("xylophone simulate x --preset vir", ["virtuoso"]),
    ("xylophone strike c#", ["C#5", "C#6"]),
    ("xylophone tune show a5", ["A5"]),
]


@pytest.mark.parametrize(("line", "found"), ASKED)
def test_what_was_begun_is_completed(
    xylophone: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, line: str, found: list[str]
) -> None:
    monkeypatch.setenv("_XYLOPHONE_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split()) - 1))
    ran = xylophone()
    assert (ran.code, ran.err) == (0, "")
    assert [row.removeprefix("plain,") for row in ran.out.splitlines() if row.startswith("plain,")] == found


def test_files_are_the_shell_s_to_complete() -> None:
    assert complete_songs(None, None, "some/fol")[-1].type == "file"  # type: ignore[arg-type]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_of_the_page_gets_its_script(
    xylophone: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, shell: str
) -> None:
    monkeypatch.setenv("_XYLOPHONE_COMPLETE", f"{shell}_source")
    ran = xylophone()
    assert ran.code == 0
    assert f"_XYLOPHONE_COMPLETE={shell}_complete" in ran.out
