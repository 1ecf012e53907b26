from __future__ import annotations

from pathlib import Path

import pytest

from xylophone.config import load_settings
from xylophone.config.mistakes import line_numbers
from xylophone.errors import ConfigError


def complaints(path: Path, text: str) -> list[str]:
    """Return the lines of the error that a text leads to, the path taken off each."""
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_settings(path, environ={}, working=path.parent, user=path.parent / "user")
    lines = str(caught.value).splitlines()
    assert all(line.startswith(str(path)) for line in lines)
    return [line.removeprefix(str(path)).lstrip(", ") for line in lines]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[instrumant]", "line 1: unknown key instrumant: did you mean instrument?"),
        ("[instrument]\nlayuot = 'x'", "line 2: unknown key instrument.layuot: did you mean layout?"),
        ("layout = 'x'", "line 1: unknown key layout: it belongs in [instrument]"),
        ("[player]\nrecovery_ms = 3", "line 2: unknown key player.recovery_ms: it belongs in [hammers.C6]"),
        ("[player]\nzzz = 3", "line 2: unknown key player.zzz: known here: speed, volume, roll"),
        ("instrument = 3", "line 1: instrument is 3: it must be a table [instrument]"),
        ("hammers = 3", "line 1: hammers is 3: it must be tables [hammers.C6]"),
        ("hammers.C6 = 3", "line 1: hammers.C6 is 3: it must be a table [hammers.C6]"),
        (
            "[home]\nfolder = ''",
            "line 2: home.folder is '': no folder: write its path, such as '~/xylophone'",
        ),
        (
            '[home]\nfolder = "a\\u0000b"',
            "line 2: home.folder is 'a\\x00b': no folder: write its path, such as '~/xylophone'",
        ),
        (
            "[home]\nfolder = '~nobody-of-that-name/x'",
            ": home.folder '~nobody-of-that-name/x' begins with a home folder that nobody has here: "
            "write the whole path",
        ),
        (
            "[instrument]\nlayout = 'songbell'",
            "line 2: instrument.layout is 'songbell': no layout: did you mean song-bell?",
        ),
        (
            "[instrument]\nkind = 'zye1'",
            "line 2: instrument.kind is 'zye1': no hammer kind: did you mean zye1-0530?",
        ),
        (
            "\n[instrument]\nsupply_limit = 0",
            "line 3: instrument.supply_limit is 0: it must be a number 0.01..1000 A",
        ),
        (
            "[instrument]\nsupply_limit = nan",
            "line 2: instrument.supply_limit is nan: it must be a number 0.01..1000 A",
        ),
        (
            "[instrument]\nsupply_limit = 0.5",
            "line 1: supply limit 0.5 A cannot drive hammer G4 (1 A): give 1..1000 A",
        ),
        (
            "[instrument]\npitches = ['C6', 'H6']",
            "line 2: instrument.pitches[1] is 'H6': 'H6' is no pitch: write a name such as C6 or F#5, "
            "or a MIDI number 0..127",
        ),
        (
            "[instrument]\npitches = [true]",
            "line 2: instrument.pitches[0] is True: no pitch: "
            "write a name such as 'C6' or a MIDI number 0..127",
        ),
        (
            "[instrument]\npitches = [60, 59]",
            "line 1: bars must be listed from the lowest to the highest pitch, each once: sort them",
        ),
        (
            "[instrument]\npitches = []",
            "line 2: instrument.pitches is []: it must be a list of 1..64 pitches, rising",
        ),
        (
            "[instrument]\nlowest = 'C6'",
            "line 2: instrument.lowest stands alone: give instrument.highest too",
        ),
        (
            "[instrument]\nlowest = 'C6'\nhighest = 'C5'",
            "line 2: instrument.lowest to instrument.highest are 0 bars: "
            "an instrument has 1..64, so change one of them",
        ),
        (
            "[instrument]\nlowest = 0\nhighest = 127",
            "line 2: instrument.lowest to instrument.highest are 128 bars: "
            "an instrument has 1..64, so change one of them",
        ),
        (
            "[instrument]\nlayout = 'song-bell'\npitches = [60]",
            "line 3: instrument has layout and pitches: keep one of them",
        ),
        (
            "[instrument]\npitches = [60]\nchannels = [1, 2]",
            "line 3: instrument.channels has 2 channels for 1 bar: give each one",
        ),
        (
            "[instrument]\nchannels = [64]",
            "line 2: instrument.channels[0] is 64: it must be a list of numbers 0..63, one for each bar",
        ),
        (
            "[hammers.C6]\nchannel = 0",
            "channel 0 is given to G4 and to C6: each hammer needs its own",
        ),
        (
            "[hammers.C6]\nshortest_pulse_ms = 30",
            "line 1: hammer C6: shortest_pulse 0.03 s must be below longest_pulse 0.022 s: "
            "change one of them",
        ),
        (
            "[hammers.C2]",
            "line 1: hammers.C2: the instrument has no bar C2: take the table out, or give it that bar",
        ),
        (
            '[hammers."F#6"]\n[hammers.Gb6]',
            "line 2: hammers.Gb6: the bar F#6 has the table hammers.F#6 already: keep one",
        ),
        (
            "[hammers.every]",
            "line 1: hammers.every: 'every' is no pitch: "
            "write a name such as C6 or F#5, or a MIDI number 0..127",
        ),
        (
            "[hammers.all]\nchannel = 3",
            "line 1: hammers.all: one channel cannot serve all hammers: use instrument.channels",
        ),
        (
            "[arrange]\npreset = 'musicbox'",
            "line 2: arrange.preset is 'musicbox': no preset: did you mean music-box?",
        ),
        ("[arrange]\ngap = 3", "line 2: arrange.gap is 3: it must be a number 0..2 s"),
        ("[arrange]\ntremollo = true", "line 2: unknown key arrange.tremollo: did you mean tremolo?"),
        (
            "[player]\nroll = 1",
            "line 2: player.roll is 1: it must be true or false",
        ),
        (
            "[simulation]\nseed = 1.5",
            "line 2: simulation.seed is 1.5: it must be a number 0..4294967295",
        ),
        (
            "[backend]\nurl = 'sim'",
            "line 2: backend.url is 'sim': no backend: write its scheme and a colon, such as 'sim:' or "
            "'serial:auto'",
        ),
    ],
)
def test_a_mistake_names_line_value_rule_and_remedy(tmp_path: Path, text: str, complaint: str) -> None:
    assert complaints(tmp_path / "x.toml", text) in ([complaint], [f": {complaint}"])


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = """\
[player]
sped = 1
volume = "loud"

[hammers."F#6"]
recovery_ms = 5
[instrument]
kind = "x"
"""
    told = complaints(tmp_path / "x.toml", text)
    assert [line.split(" ", 3)[:3] for line in told] == [
        ["line", "2:", "unknown"],
        ["line", "3:", "player.volume"],
        ["line", "6:", "hammers.F#6.recovery_ms"],
        ["line", "8:", "instrument.kind"],
    ]


def test_all_mistakes_of_hammers_are_told_at_once(tmp_path: Path) -> None:
    text = "[hammers.C6]\nlongest_pulse_ms = 1\n[hammers.H1]\n[hammers.D6]\nshortest_pulse_ms = 99\n"
    told = complaints(tmp_path / "x.toml", text)
    assert [line.split(":", 1)[0] for line in told] == ["line 1", "line 3", "line 4"]


def test_broken_toml_is_one_line_with_line_and_column(tmp_path: Path) -> None:
    (told,) = complaints(tmp_path / "x.toml", '[player]\nspeed = "\n')
    assert "this is no TOML" in told
    assert "line 2, column 10" in told


def test_lines_are_found_for_tables_and_keys() -> None:
    text = 'a = 1\n[b]\nc.d = 2\n\n[hammers."F#6"]  # high\n"e f" = 3\n[hammers.C6]\n'
    assert line_numbers(text) == {
        ("a",): 1,
        ("b",): 2,
        ("b", "c"): 3,
        ("b", "c", "d"): 3,
        ("hammers", "F#6"): 5,
        ("hammers", "F#6", "e f"): 6,
        ("hammers", "C6"): 7,
    }


def test_lines_of_a_long_text_do_not_break_the_message() -> None:
    assert line_numbers('a = """\n[x\nb = = \n] = \n"""\n')[("a",)] == 1
