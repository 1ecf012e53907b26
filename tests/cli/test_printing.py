"""The door: what leaves through it is plain, and nothing leaves by another way."""

from __future__ import annotations

import ast
import io
import json
import re
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from cli.hostile import FORGED, HOSTILE
from xylophone.cli import printing, screen
from xylophone.errors import ConfigError, OptionError, SongError
from xylophone.instrument import build_instrument
from xylophone.player import PlayerState, Snapshot

STEERING = {"Cc", "Cf", "Cs", "Zl", "Zp"}
BIDI = ("L", "R", "AL", "EN", "ES", "ET", "AN", "CS", "NSM", "BN", "B", "S", "WS", "ON", "")
"""Unicode's bidirectional classes of what is no mark of direction."""

PACKAGE = Path(printing.__file__).resolve().parents[1]


def steering(text: str) -> set[str]:
    return {sign for sign in text if unicodedata.category(sign) in STEERING}


def test_of_all_signs_that_there_are_none_that_steers_goes_through() -> None:
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    through = printing.plain(every)
    assert len(through) == len(every)
    assert not steering(through)
    assert not through.splitlines()[1:]
    assert {unicodedata.bidirectional(sign) for sign in through} <= set(BIDI)
    changed = [sign for sign, shown in zip(every, through, strict=True) if sign != shown]
    assert all(unicodedata.category(sign) in STEERING for sign in changed)


@given(st.text())
def test_what_is_plain_stays_as_it_is(text: str) -> None:
    assert printing.plain(printing.plain(text)) == printing.plain(text)


def test_text_in_any_script_is_left_alone() -> None:
    text = "Für Élise, Ständchen, 红旗, שלום, नमस्ते, 春の\u3000海, \N{NO-BREAK SPACE}😀 ♯ [red]:smile:"
    assert printing.plain(text) == text


def test_an_error_is_a_line_for_each_mistake_and_each_line_is_plain(
    capsys: pytest.CaptureFixture[str],
) -> None:
    printing.warn(ConfigError(f"{HOSTILE}: one", f"{HOSTILE}: two"), "left out: ")
    printing.warn(SongError(HOSTILE))
    lines = capsys.readouterr().err.splitlines()
    assert [line[:21] for line in lines] == ["xylophone: left out: ", "xylophone: left out: ", lines[2][:21]]
    assert len(lines) == 3
    assert not steering("".join(lines))


def test_json_keeps_every_sign_in_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    printing.say_json({"title": HOSTILE}, indent=2)
    out = capsys.readouterr().out
    assert out.isascii()
    assert json.loads(out) == {"title": HOSTILE}


def test_a_table_takes_no_markup_and_breaks_no_row(capsys: pytest.CaptureFixture[str]) -> None:
    screen.table(("name", "title"), [(HOSTILE, "[bold]:smile:"), ("second", "[/]")])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert f"?{FORGED}[red]:smile:é😀" in lines[1]
    assert "[bold]:smile:" in lines[1]
    assert not steering("".join(lines))


def test_the_screen_of_a_song_with_a_hostile_title_keeps_its_two_lines(
    capsys: pytest.CaptureFixture[str],
) -> None:
    place = {"position": 65.0, "duration": 130.0, "measure": 12, "beat": 3.5}
    manner = {"tempo_bpm": 90.0, "speed": 1.0, "volume": 0.8, "transpose": 0}
    shot = Snapshot(state=PlayerState.PLAYING, piece=0, pieces=1, title=HOSTILE, **place, **manner)
    console = printing.terminal(width=100)
    console.print(screen.status(shot, 100))
    names = [hammer.name for hammer in build_instrument().hammers]
    console.print(screen.bars(names, [""] * 30, 100))
    out = capsys.readouterr().out
    assert not steering(out) - {"\n"}
    assert FORGED not in [line[: len(FORGED)] for line in out.splitlines()]
    assert "[red]:smile:" in out


WRITING = re.compile(
    r"print|input|(rich\.)?(console\.)?Console|click\.(echo|secho|confirm|prompt|echo_via_pager)|.*std(out|err)\.write"
)
"""Names of what writes to a stream or a terminal."""


def test_a_letter_that_an_encoding_lacks_is_a_question_mark_or_what_looks_like_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = io.TextIOWrapper(io.BytesIO(), "ascii")
    monkeypatch.setattr(sys, "stdout", out)
    printing.ready_streams()
    printing.say("é😀 C♯ ━━──", "\udcff")
    assert out.buffer.getvalue() == b"?? C# ==--\n?\n"


def ways_out(module: Path) -> list[str]:
    """Every call in a module by which text reaches a stream or a terminal."""
    calls = [node for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.Call)]
    named = [(call.lineno, ast.unparse(call.func)) for call in calls]
    place = module.relative_to(PACKAGE)
    return [f"{place}:{line} {name}" for line, name in named if WRITING.fullmatch(name)]


def test_nothing_else_in_the_package_writes_to_the_streams() -> None:
    modules = sorted(PACKAGE.rglob("*.py"))
    door = PACKAGE / "cli" / "printing.py"
    assert len(ways_out(door)) == 5
    assert not [way for module in modules if module != door for way in ways_out(module)]


def test_a_question_that_nobody_can_answer_says_what_to_give(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    with pytest.raises(OptionError, match="give --yes"):
        printing.ask("Strike?")
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    assert not printing.ask("Strike?")
