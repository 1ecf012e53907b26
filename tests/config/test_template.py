from __future__ import annotations

import re
from pathlib import Path

import pytest

from xylophone.config import (
    PlayerSettings,
    SimulationSettings,
    initial_config,
    load_settings,
    write_initial_config,
)
from xylophone.config.schema import TABLES, rule_of
from xylophone.errors import ConfigError, FileError, InstrumentError
from xylophone.instrument import KINDS, LAYOUTS, build_instrument

OFF = re.compile(r"# (\w+ = |\[hammers)")


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("layout", sorted(LAYOUTS))
def test_the_file_to_start_from_means_exactly_the_defaults(tmp_path: Path, layout: str, kind: str) -> None:
    write_initial_config(tmp_path / "x.toml", layout, kind)
    settings = load_settings(tmp_path / "x.toml", environ={}, user=tmp_path / "user")
    assert settings.instrument == build_instrument(layout, kind)
    assert (settings.player, settings.simulation) == (PlayerSettings(), SimulationSettings())
    assert (settings.backend, settings.sources["backend"]) == ("sim:", "default")


def keys_of(text: str) -> list[tuple[str, str]]:
    """Return table and key of every line that sets something, or would if it were on."""
    found, table = [], ""
    for line in text.splitlines():
        table = re.sub(r"^#? ?\[(\w+).*", r"\1", line) if re.match(r"(# )?\[\w", line) else table
        found += [(table, key) for key in re.findall(r"^(?:# )?(\w+) = ", line)]
    return found


def test_it_has_some_twenty_keys_each_with_its_rule() -> None:
    text = initial_config().replace("\n#   ", " ")
    keys = keys_of(text)
    assert 18 <= len(keys) == len(set(keys)) <= 22
    for name, key in keys:
        field = TABLES[name].model_fields[key]
        line = rf"(?m)^# {re.escape(field.description or '')}: .*default.*\n(# )?{key} = "
        assert re.search(line, text), f"{name}.{key}"
        assert rule_of(TABLES[name], key) in text


def test_of_the_arranger_s_weights_it_has_those_that_a_person_turns() -> None:
    turned = [key for table, key in keys_of(initial_config()) if table == "arrange"]
    assert turned == ["preset", "lead", "chord", "gap", "accompaniment", "tremolo"]


def test_every_line_that_is_off_can_be_set(tmp_path: Path) -> None:
    """All at once, but for the bars, which come from one of layout, lowest and highest, pitches."""
    kept = []
    for line in initial_config("glockenspiel-written", "jf-0530b").splitlines():
        if re.match(r"# (lowest|highest|pitches) = ", line):
            continue
        kept.append(line[2:] if OFF.match(line) else line)
    (tmp_path / "x.toml").write_text("\n".join(kept))
    settings = load_settings(tmp_path / "x.toml", environ={}, user=tmp_path / "user")
    plain = build_instrument("glockenspiel-written", "jf-0530b")
    assert (settings.instrument.supply_limit, settings.instrument.sounding) == (2.4, 24)
    set_now = [line for line in kept if " = " in line and not line.startswith("#")]
    assert len(set_now) == len(keys_of(initial_config())) - 3
    for mine, theirs in zip(settings.instrument.hammers, plain.hammers, strict=True):
        assert mine.channel == theirs.channel
        assert mine.capacity == pytest.approx(theirs.capacity)
        assert (mine.recovery, mine.longest_pulse) == pytest.approx((theirs.recovery, theirs.longest_pulse))


@pytest.mark.parametrize(
    ("key", "complaint"), [("pitches", "layout and pitches: keep one"), ("lowest", "lowest stands alone")]
)
def test_bars_come_from_one_place(tmp_path: Path, key: str, complaint: str) -> None:
    (tmp_path / "x.toml").write_text(initial_config().replace(f"# {key} = ", f"{key} = "))
    with pytest.raises(ConfigError, match=complaint):
        load_settings(tmp_path / "x.toml", environ={}, user=tmp_path / "user")


def test_the_default_named_is_the_program_s_own() -> None:
    text = initial_config("music-box-c", "jf-0530b").replace("\n#   ", " ")
    assert 'default "song-bell"\nlayout = "music-box-c"' in text
    assert 'default "zye1-0530"\nkind = "jf-0530b"' in text


def test_lines_are_short_enough_to_read() -> None:
    assert max(map(len, (line for line in initial_config().splitlines() if " = [" not in line))) <= 100


def test_a_file_that_is_there_is_never_replaced_unless_forced(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text("mine")
    with pytest.raises(
        FileError, match=r"x\.toml is there already: name another file, or replace it with --force"
    ):
        write_initial_config(path)
    assert path.read_text() == "mine"
    write_initial_config(path, force=True)
    assert path.read_text() == initial_config()


def test_an_unknown_layout_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(InstrumentError, match=r"did you mean music-box-c\?"):
        write_initial_config(tmp_path / "x.toml", "musicbox-c")
    assert list(tmp_path.iterdir()) == []
