"""A folder as an enemy or a foreign machine leaves it, and command lines that meet everything in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from midifile import smf
from xylophone.calibration.file import VERSION, calibration_text, default_calibration
from xylophone.instrument import build_instrument

FORGED = "FORGED"
"""What stands after each line break of a hostile text: no line of the output may begin with it."""

STEERING = "\x1b]0;own\x07\x1b[31m\r\x0b\x7f\x85\x9b2J\u2028\u2029\u200b\u200e\u202e\u2066\ufeff"
"""Controls of both sets, separators, invisible signs and marks of direction."""

HOSTILE = f"{STEERING}\n{FORGED}[red]:smile:é😀"
"""A name that any file may have, and any title."""

BYTES = os.fsdecode(b"caf\xe9\xff")
"""A name that is no text in UTF-8."""

LONG = "x" * 300
"""A name that is too long for a file."""

TOML = HOSTILE.encode("unicode_escape").decode().replace("\\x", "\\u00")
"""The hostile name between quotes in TOML."""


TUNE, BROKEN, SECOND = f"tune{HOSTILE}.mid", f"broken{HOSTILE}.mid", f"{BYTES}.mid"
"""A song with choices beside it; one with broken choices; one whose name is no text."""

CONFIGS = {
    "utf16.toml": "[player]\nspeed = 1.0\n".encode("utf-16"),
    "latin.toml": '[instrument]\nname = "caf\xe9"\n'.encode("latin-1"),
    "empty.toml": b"",
    "zero.toml": b"\0" * 20,
    "letters.toml": '[instrument]\nname = "\u00e9\U0001f600"\n'.encode(),
    "value.toml": f'[instrument]\nname = "{TOML}"\nlayout = "{TOML}"\n[player]\nspeed = "{TOML}"\n'.encode(),
    "keys.toml": f'["{TOML}"]\nx = 1\n[player]\n"{TOML}" = 1\n[hammers."{TOML}"]\n'.encode(),
    "raw.toml": f'[instrument]\nname = "{HOSTILE}"\n'.encode(),
    "url.toml": f'[backend]\nurl = "{TOML}"\n'.encode(),
    "spy.toml": b'[backend]\nurl = "serial:///dev/\xc3\xa9\xf0\x9f\x98\x80"\n',
    f"own{HOSTILE}.toml": b"[player]\nspeed = 99\nvolume = 99\n",
    f"{BYTES}.toml": b"[player]\nspeed = 99\n",
}
"""Configurations that are odd, broken or full of what is not to be printed."""

CALIBRATIONS = {
    "letters.cal": ('tuned = ""', 'tuned = "\u00e9\U0001f600"'),
    "tuned.cal": ('tuned = ""', f'tuned = "{TOML}"'),
    "kind.cal": ('kind = "zye1-0530"', f'kind = "{TOML}"'),
    "key.cal": ("rest_time", f'"{TOML}" = 1\nrest_time'),
    f"cal{HOSTILE}.toml": (f"version = {VERSION}", "version = 99"),
}
"""Calibrations: what is replaced in one that is right, and by what."""


def song(title: str = HOSTILE, pitch: int = 72) -> bytes:
    """A short song whose title, track and text are hostile, and which is damaged at its end."""
    words = title.encode()
    texts = [smf.meta(kind, words) for kind in (3, 1, 4)]
    return smf.song(smf.track(*texts, smf.note(pitch, 60, 90), smf.note(pitch + 4, 60, 90)))[:-2]


def furnish(folder: Path) -> None:
    """Fill a folder: songs, choices beside them, configurations, calibrations, and what is none of them."""
    (folder / TUNE).write_bytes(song())
    (folder / TUNE).with_suffix(".arrange.toml").write_text('preset = "virtuoso"\n')
    (folder / BROKEN).write_bytes(song(pitch=74))
    (folder / BROKEN).with_suffix(".arrange.toml").write_text(f'"{TOML}" = 1\npreset = "{TOML}"\n')
    (folder / SECOND).write_bytes(song("Caf\u00e9 \u6c49\u5b57", 79))
    (folder / f"empty{HOSTILE}.mid").write_bytes(b"")
    (folder / f"folder{HOSTILE}.mid").mkdir()
    (folder / "folder.toml").mkdir()
    right = calibration_text(default_calibration(build_instrument()))
    for name, content in CONFIGS.items():
        (folder / name).write_bytes(content)
    for name, (old, new) in CALIBRATIONS.items():
        assert old in right, old
        (folder / name).write_text(right.replace(old, new, 1), encoding="utf-8")


def commands() -> Iterator[list[str]]:
    """Yield command lines, each to be run in a furnished folder, in this order."""
    yield from _songs()
    yield from _settings()
    yield from _backends()
    yield from _tuning()
    yield from _owner()
    yield from _shelf()
    yield from _odd_words()


def _owner() -> Iterator[list[str]]:
    """Yield what is asked of an owner: none runs here, and none begins."""
    yield ["serve", f"gone{HOSTILE}.mid", "--backend", f"gpio:{HOSTILE}"]
    yield ["add", TUNE]
    yield ["seek", HOSTILE]
    yield ["seek", "1:15"]
    for word in ("status", "pause", "resume", "next", "previous", "volume", "stop", "release", "queue"):
        yield [word]
    yield ["volume", HOSTILE]
    yield ["stop", HOSTILE]
    for word in ("clear", "shuffle", "repeat", "finish"):
        yield ["queue", word]
    yield ["queue", "move", HOSTILE, "1"]
    yield ["queue", "remove", HOSTILE]


def _shelf() -> Iterator[list[str]]:
    yield ["shelf"]
    yield ["shelf", "add", TUNE, BROKEN]
    yield ["shelf", "favourite", TUNE, f"gone{HOSTILE}.mid"]
    yield ["shelf", "mood", TUNE, HOSTILE]
    yield ["shelf", "lists"]
    yield ["shelf", "lists", HOSTILE]
    yield ["shelf", "forget", HOSTILE]
    yield ["shelf", "forget", TUNE, BROKEN]
    yield ["shelf", "history"]
    yield ["shelf", "--json"]
    yield ["backup", f"home{HOSTILE}.zip"]
    yield ["backup", f"no{HOSTILE}/home.zip"]
    yield ["restore", TUNE, "--yes"]
    yield ["restore", f"gone{HOSTILE}.zip", "--yes"]


def _songs() -> Iterator[list[str]]:
    missing = [f"{what}{HOSTILE}.mid" for what in ("empty", "folder", "gone")]
    everything = [TUNE, BROKEN, SECOND, *missing, LONG]
    for name in everything:
        yield ["info", name, "--changes"]
    yield ["info", "--json", *everything]
    yield ["info", f"{HOSTILE}*"]
    yield ["play", "--mute", *everything]
    yield ["play", "--mute", "--quiet", BROKEN]
    for name in (TUNE, SECOND):
        out = f"out{name}"
        yield ["arrange", name]
        yield ["arrange", name, "--json"]
        yield ["arrange", name, "-o", out, "--plot", f"{out}.svg", "--save", "--mute-channels", "9"]
        yield ["arrange", name, "--forget"]
        yield ["simulate", name, "--wav", f"{out}.wav", "--plot", f"{out}.png"]
        yield ["simulate", name, "--json"]
        yield ["info", out]
    yield ["arrange", TUNE, "-o", HOSTILE]
    yield ["arrange", TUNE, "-o", f"{LONG}.mid"]
    yield ["simulate", TUNE, "--wav", f"no{HOSTILE}/x.wav"]
    for option in ([], ["--failed"], ["--duplicates"], ["--json"]):
        yield ["songs", "scan", ".", "--jobs", "1", "--database", f"scan{HOSTILE}.sqlite", *option]
    yield ["songs", "scan", f"gone{HOSTILE}"]
    yield ["songs", "scan", ".", "--database", TUNE]
    yield ["songs"]
    yield ["songs", "--json"]


def _settings() -> Iterator[list[str]]:
    for name in (*CONFIGS, "folder.toml", f"gone{HOSTILE}.toml", LONG):
        yield ["info", "--config", name]
    yield ["info", "--config", "letters.toml", TUNE]
    yield ["info", "--config", "letters.toml", "--json"]
    yield ["play", "--mute", "--config", "spy.toml", TUNE]
    for name in (*CALIBRATIONS, f"gone{HOSTILE}"):
        yield ["simulate", TUNE, "--calibration", name]
        yield ["tune", "show", "C6", "--calibration", name]
    yield ["instruments"]
    yield ["init"]
    yield ["init", f"new{HOSTILE}.toml"]
    yield ["init", f"no{HOSTILE}/x.toml"]
    yield ["init", "--instrument", HOSTILE, "other.toml"]


def _backends() -> Iterator[list[str]]:
    for url in (
        HOSTILE,
        f"sim:?seed={HOSTILE}",
        f"sim:?{HOSTILE}=1",
        f"serial:{HOSTILE}",
        f"serial:///dev/{HOSTILE}",
        f"serial:///dev/{LONG}",
        "serial:hwgrep://((",
        f"serial:{HOSTILE}://x",
        f"gpio:{HOSTILE}",
        f"gpio:null?trace={HOSTILE}/x",
        "gpio:null?trace=a%00b",
        f"midi:{HOSTILE}",
    ):
        yield ["info", "--backend", url]
        yield ["strike", "C6", "--mute", "--backend", url]
    yield ["strike", HOSTILE]
    yield ["live", "--channels", "17"]
    yield ["live", "--record", f"{HOSTILE}/{HOSTILE}.mid"]
    yield ["ports"]
    yield ["ports", "--json"]
    yield ["strike", "C6", "--mute"]
    yield ["off"]
    yield ["off", "--backend", f"gpio:{HOSTILE}"]
    yield ["doctor", "--backend", f"serial:///dev/{HOSTILE}"]
    yield ["doctor", "--yes"]
    yield ["devices"]
    yield ["devices", "--json"]
    yield ["firmware", "version", "--backend", f"serial:///dev/{HOSTILE}"]
    yield ["firmware", "flash", "--image", TUNE]
    yield ["firmware", "build", "-o", f"no{HOSTILE}/x.hex"]


def _tuning() -> Iterator[list[str]]:
    mine = ["--calibration", "letters.cal"]
    yield ["tune", "set", "C6", "--later-ms", "0.1", *mine]
    yield ["tune", "show", "C6", *mine]
    yield ["tune", "show", "C6", "--json", *mine]
    yield ["tune", "show", "--plot", f"tune{HOSTILE}.svg", *mine]
    yield ["tune", "undo", *mine]
    yield ["tune", "reset", "C6", *mine]
    yield ["tune", "log", *mine]
    yield ["tune", "diff", *mine]
    yield ["tune", "diff", "1", "3", *mine]
    yield ["tune", "undo", "--to", "1", *mine]
    yield ["tune", "undo", "--to", "99", *mine]
    for command in ("log", "diff", "undo"):
        yield ["tune", command, "--calibration", f"cal{HOSTILE}.toml"]
        yield ["tune", command, "--calibration", f"gone{HOSTILE}"]
    yield ["tune", "export", *mine]
    yield ["tune", "export", f"table{HOSTILE}.csv", *mine]
    yield ["tune", "import", f"{HOSTILE}.json", *mine]
    yield ["tune", "import", TUNE, *mine]
    yield ["tune", "set", HOSTILE, "--later-ms", "0.1", *mine]
    yield ["tune", "hand", HOSTILE, *mine]
    yield ["tune", "check", "--calibration", f"gone{HOSTILE}"]
    yield ["tune", "auto", "--mic", HOSTILE]
    yield ["tune", "auto", "--from-wav", TUNE, "--plan", "raw.toml"]
    yield ["tune", "auto", "--session", f"gone{HOSTILE}", "--resume"]


def _odd_words() -> Iterator[list[str]]:
    yield []
    yield ["--help"]
    yield ["--version"]
    yield [HOSTILE]
    yield [BYTES]
    yield ["info", f"--{HOSTILE}"]
    yield ["play", TUNE, "--start", HOSTILE]
    yield ["simulate", TUNE, "--knows", HOSTILE]
    yield ["info", TUNE, "--tracks", HOSTILE, "--preset", HOSTILE]
    yield ["info", TUNE, "--preset", HOSTILE]
    yield ["info", TUNE, "--instrument", HOSTILE]
    yield ["firmware", HOSTILE]
    yield ["tune", HOSTILE]
