"""A folder that came with somebody's songs: nothing outside is written, emptied or made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from xylophone.calibration.file import calibration_text, default_calibration
from xylophone.instrument import build_instrument

Run = Callable[..., Any]

KEPT = calibration_text(default_calibration(build_instrument()))
VICTIMS = {"thesis.txt": "three years of work", "empty.txt": "", "calibration.toml": KEPT}

URLS = (
    "serial:spy://{device}?file={victim}",
    "serial:spy:///dev/ttyACM0?file={victim}&all",
    "serial:alt://{victim}?class=PosixPollSerial",
    "serial://{victim}",
    "serial:{victim}",
    "serial:///dev/../{victim}",
    "serial:loop://?logging=debug",
    "serial:socket://127.0.0.1:1",
    "gpio:null?trace={victim}",
    "gpio:null?trace={victim}.new",
)
LINKS = (
    "calibration.toml",
    "calibration-sim.toml",
    "calibration-sim.versions",
    "calibration-sim.versions/1-after-0.toml",
    "calibration-sim.history.jsonl",
    "tune.arrange.toml",
)
WRITING = (
    "arrange tune.mid --preset solo --save",
    "tune set C6 --later-ms 0.1",
    "tune undo",
    "tune reset --all",
    "tune check --yes",
    "tune import table.json",
)
COMMANDS = (
    "info",
    "info tune.mid",
    "play --mute tune.mid",
    "strike C6 --mute",
    "off",
    "doctor",
    "simulate tune.mid",
    "arrange tune.mid --forget",
    "songs scan .",
    "tune show C6",
    *WRITING,
)


@pytest.fixture
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Somebody's files, none of which is ours."""
    folder = tmp_path_factory.mktemp("outside")
    for name, content in VICTIMS.items():
        (folder / name).write_text(content)
    return folder


def contents(folder: Path) -> dict[str, tuple[str, int]]:
    return {path.name: (path.read_text(), path.stat().st_mtime_ns) for path in folder.iterdir()}


@pytest.mark.parametrize("url", URLS)
def test_a_found_configuration_opens_and_writes_nothing_that_was_not_asked_for(
    xylophone: Run, midi: Callable[..., Path], tmp_path: Path, outside: Path, url: str
) -> None:
    midi((72, 0, 0.1, 90, 0))
    (tmp_path / "table.json").write_text("{}")
    before = contents(outside)
    for victim in (outside / "thesis.txt", outside / "new.txt"):
        written = url.format(victim=victim, device=outside / "empty.txt")
        (tmp_path / "xylophone.toml").write_text(f'[backend]\nurl = "{written}"\n')
        for command in COMMANDS:
            ran = xylophone(*command.split())
            assert ran.code == 1, (command, ran)
            assert "--backend, or name the file with --config" in ran.err, command
        assert contents(outside) == before


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("victim", [*VICTIMS, "new.txt"])
def test_links_in_a_found_folder_are_not_written_through(
    xylophone: Run, midi: Callable[..., Path], tmp_path: Path, outside: Path, link: str, victim: str
) -> None:
    midi((72, 0, 0.1, 90, 0))
    (tmp_path / "xylophone.toml").write_text('[instrument]\nlayout = "song-bell"\n')
    (tmp_path / "table.json").write_text("{}")
    (tmp_path / link).parent.mkdir(exist_ok=True)
    (tmp_path / link).symlink_to(outside / victim)
    before = contents(outside)
    for command in WRITING:
        ran = xylophone(*command.split())
        assert "Traceback" not in ran.err
    assert contents(outside) == before
    assert (tmp_path / link).is_symlink()
