"""`songs scan`: its lists, its JSON, and a scan that is stopped and goes on."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import forking
from scanning import melody, tune_bytes, write
from xylophone.cli import run

Run = Callable[..., Any]

KEYS = [
    "path", "size", "modified", "sha256", "title", "instrument", "duration", "notes", "score",
    "transpose", "kept", "folded", "merged", "dropped", "melody", "same_as", "reason",
]  # fmt: skip


def furnish(folder: Path) -> Path:
    """Write four tunes, one of them in another guise too, and a file that is none."""
    for seed in range(4):
        write(folder / f"{seed}.mid", tune_bytes(melody(seed), title=f"Tune {seed}".encode()))
    guise = tune_bytes(melody(2), higher=3, micros=700_000, chords=(0, 5, 7), title=b"Another name")
    write(folder / "more" / "two.mid", guise)
    write(folder / "text.mid", b"la la la")
    return folder


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder `music` that was scanned, and the database beside it."""
    folder = tmp_path_factory.mktemp("scanned")
    words = ["songs", "scan", furnish(folder / "music"), "--database", folder / "a.sqlite", "--jobs", 1]
    assert run([str(word) for word in words]) == 0
    return folder


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """A folder that nobody has scanned."""
    return furnish(tmp_path / "music")


@pytest.fixture
def scan(xylophone: Run, tmp_path: Path, music: Path) -> Run:
    """Scan that folder, with a database of its own."""
    own = ("music", "--database", tmp_path / "a.sqlite", "--jobs", 1)
    return lambda *options: xylophone("songs", "scan", *own, *options)


@pytest.fixture
def again(xylophone: Run, scanned: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Scan the folder that was scanned."""
    monkeypatch.chdir(scanned)
    return lambda *options: xylophone("songs", "scan", "music", "--database", "a.sqlite", *options)


SUMMARY = "6 files: 4 scored, 1 is the same tune as another, 1 could not be read (--failed lists it)"


def test_the_best_fits_are_listed_one_of_each_tune(scan: Run) -> None:
    ran = scan("--jobs", 2)
    *table, empty, summary = ran.out.splitlines()
    assert (ran.code, empty, summary) == (0, "", SUMMARY)
    assert table[0].split() == ["score", "title", "notes", "duration", "transposed", "path"]
    rows = [line.split() for line in table[1:]]
    assert sorted(Path(row[-1]).stem for row in rows) in (["0", "1", "2", "3"], ["0", "1", "3", "two"])
    scores = [int(row[0]) for row in rows]
    assert scores == sorted(scores, reverse=True)
    assert ran.err.splitlines()[-1] == "6 of 6 files"
    assert len(scan("--best", 2).out.splitlines()) == 5
    assert scan("--best", 0).out == f"{SUMMARY}\n"


def test_a_second_scan_scores_nothing(again: Run) -> None:
    ran = again()
    assert (ran.out.splitlines()[-1], ran.err) == (SUMMARY, "")


def test_what_is_removed_vanishes_from_the_list(scan: Run, music: Path) -> None:
    scan()
    (music / "2.mid").unlink()
    (music / "text.mid").unlink()
    assert scan().out.endswith("\n4 files: 4 scored\n")


def test_failed_files_are_listed_with_their_reasons(again: Run) -> None:
    reason = "this is no MIDI file but text: give a Standard MIDI File (.mid)"
    assert again("--failed").out == f"music/text.mid: {reason}\n{SUMMARY}\n"


def test_files_of_one_tune_are_listed_together(again: Run) -> None:
    heads, *rows, empty, summary = again("--duplicates").out.splitlines()
    assert (heads.split()[0], empty, summary) == ("score", "", SUMMARY)
    assert sorted(row.split()[-1] for row in rows) == ["music/2.mid", "music/more/two.mid"]


def test_json_is_as_documented(again: Run, scanned: Path) -> None:
    rows = again("--json").json
    assert all(list(row) == KEYS for row in rows)
    assert [row["score"] is None for row in rows] == [False] * 5 + [True]
    scored, failed = rows[:5], rows[5]
    for row in scored:
        assert row["notes"] == row["kept"] + row["folded"] + row["merged"] + row["dropped"]
        assert (row["instrument"], row["reason"]) == ("song-bell", None)
    pair = [row for row in scored if Path(row["path"]).stem in ("2", "two")]
    assert [row["same_as"] for row in pair] == [None, pair[0]["path"]]
    assert failed["path"] == str(scanned / "music" / "text.mid")
    assert (failed["title"], failed["notes"], failed["same_as"]) == (None, None, None)
    assert "but text" in failed["reason"]


def test_one_list_at_a_time(again: Run) -> None:
    ran = again("--json", "--failed")
    assert (ran.code, "give one of them" in ran.err, ran.out) == (2, True, "")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nowhere"], 1, "nowhere is not there: check the name"),
        (["music/0.mid"], 1, "music/0.mid is a file: name its folder"),
        (["nothing"], 1, "no file below nothing ends in .mid"),
        (["music", "--channels", "257"], 2, "channel 257 does not exist"),
        (["music", "--instrument", "song-bel"], 1, "did you mean song-bell?"),
        (["music", "--database", "music/0.mid/x"], 1, "name a file in a folder that you may write in"),
        (["music", "--database", "music/text.mid"], 1, "no database"),
        (["music", "--jobs", "0"], 2, "jobs"),
        ([], 2, "DIR"),
    ],
)
def test_what_is_wrong_is_one_line(
    xylophone: Run, music: Path, arguments: list[str], code: int, words: str
) -> None:
    (music.parent / "nothing").mkdir()
    ran = xylophone("songs", "scan", *arguments)
    assert (ran.code, ran.out, ran.err.count("\n")) == (code, "", 1)
    assert words in ran.err


def test_without_a_subcommand_the_projects_songs_are_listed(xylophone: Run) -> None:
    assert "greensleeves" in xylophone("songs").out
    assert "--json" in xylophone("songs", "--help").out
    assert "did you mean scan?" in xylophone("songs", "scann").err


def test_titles_and_names_are_shown_as_they_are(scan: Run, music: Path) -> None:
    """What rich would take for markup, a title that is too long, a name that is no text."""
    write(music / "[red]a.mid", tune_bytes(melody(10), title=b"[/b] :smile: " + b"x" * 60))
    write(music / os.fsdecode(b"\xff\nb.mid"), tune_bytes(melody(11)))
    out = scan().out
    assert "[/b] :smile: xxxxxxxxxxxxxxxxxxxxxxxx...  " in out
    assert "music/[red]a.mid\n" in out
    assert "music/??b.mid\n" in out
    assert len(scan("--json").json) == 8


def test_the_database_lies_in_the_cache_unless_it_is_named(xylophone: Run, music: Path, cache: Path) -> None:
    assert xylophone("songs", "scan", music).code == 0
    assert (cache / "xylophone" / "scan.sqlite").is_file()


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """More files than are scored before a signal arrives."""
    for seed in range(120):
        write(tmp_path / "many" / f"{seed}.mid", tune_bytes(melody(seed, 100), chords=(0, 5, 7)))
    return tmp_path / "many"


def scanning(folder: Path, **streams: Any) -> forking.Fork:
    """A scan of a folder, as a process."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "XYLOPHONE_"))}
    words = ["songs", "scan", folder, "--database", folder / "a.sqlite", "--jobs", "2", "--best", "0"]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams
    environment = kept | {"HOME": str(folder.parent)}
    return forking.Fork(words, text=True, env=environment, cwd=folder.parent, **streams)


def stopped(folder: Path, line: str, number: signal.Signals) -> tuple[int, str, str]:
    """Scan until a line is said, then send a signal; return exit code, stdout and what was said since.

    The streams end only when the worker processes have ended too.
    """
    with scanning(folder) as process:
        assert process.stderr is not None
        while said := process.stderr.readline():
            if said == line:
                break
        process.send_signal(number)
        out, err = process.communicate()
    return process.returncode, out, err


def test_a_scan_that_is_stopped_says_how_far_it_came_and_goes_on_near_there(many: Path) -> None:
    """Stopped three times, by Ctrl-C, by a signal and by force; the fourth time it comes to its end."""
    for number, code, at in ((signal.SIGINT, 130, 12), (signal.SIGTERM, 143, 48)):
        returned, out, err = stopped(many, f"{at} of 120 files\n", number)
        assert (returned, out) == (code, "")
        last = err.splitlines()[-1]
        assert last.startswith("xylophone: stopped by ")
        assert last.endswith(" of 120 files are done; run it again to go on")
        assert at <= int(last.split("; ")[1].split()[0]) < 120
        assert "Traceback" not in err
    done = int(last.split("; ")[1].split()[0])
    returned, _, _ = stopped(many, "84 of 120 files\n", signal.SIGKILL)
    assert returned == -signal.SIGKILL
    with scanning(many) as process:
        out, err = process.communicate()
    assert out == "120 files: 120 scored\n"
    assert int(err.split()[0]) > max(done, 84 - 64)


def test_in_a_terminal_a_bar_shows_how_far_it_is(music: Path) -> None:
    leader, follower = pty.openpty()
    with scanning(music, stderr=follower) as process:
        os.close(follower)
        shown = b""
        while True:
            try:
                shown += os.read(leader, 4096)
            except OSError:  # whoever writes to it has left
                break
    os.close(leader)
    assert process.returncode == 0
    assert b"scoring" in shown
    assert b"6/6" in shown
