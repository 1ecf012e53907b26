from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tomlkit
from hypothesis import given, strategies as st

from counts import examples
from xylophone.config import Settings, load_settings
from xylophone.config.schema import TABLES
from xylophone.errors import ConfigError
from xylophone.instrument import KINDS
from xylophone.pitch import pitch_name


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("laws") / "x.toml"


def load(path: Path, content: dict[str, Any]) -> Settings:
    path.write_text(tomlkit.dumps(content), encoding="utf-8")
    return load_settings(path, environ={}, working=path.parent, user=path.parent / "user")


@st.composite
def limits(draw: st.DrawFn) -> dict[str, float]:
    table = {
        "current": st.floats(0.01, 5.0),
        "shortest_pulse_ms": st.floats(0.5, 3.9),
        "longest_pulse_ms": st.floats(38.0, 100.0),
        "recovery_ms": st.floats(10.0, 1000.0) | st.integers(10, 1000),
        "refill": st.floats(0.001, 1.0),
        "capacity": st.floats(0.1, 1000.0),
    }
    keys = draw(st.sets(st.sampled_from(sorted(table))))
    return {key: draw(table[key]) for key in sorted(keys)}


@st.composite
def configurations(draw: st.DrawFn) -> dict[str, Any]:
    pitches = draw(st.lists(st.integers(0, 127), min_size=1, max_size=64, unique=True).map(sorted))
    written = [draw(st.sampled_from([pitch, pitch_name(pitch), str(pitch)])) for pitch in pitches]
    channels = draw(st.permutations(range(64)))[: len(pitches)]
    chosen = draw(st.sets(st.sampled_from(pitches), max_size=4))
    return {
        "instrument": {
            "pitches": written,
            "kind": draw(st.sampled_from(sorted(KINDS))),
            "channels": list(channels),
            "supply_limit": draw(st.floats(5.0, 1000.0)),
        },
        "hammers": {pitch_name(pitch): draw(limits()) for pitch in sorted(chosen)},
    }


@examples(30)
@given(content=configurations())
def test_a_valid_file_is_the_instrument_that_it_describes(path: Path, content: dict[str, Any]) -> None:
    instrument = load(path, content).instrument
    table = content["instrument"]
    kind = KINDS[table["kind"]]
    assert [hammer.channel for hammer in instrument.hammers] == table["channels"]
    assert instrument.supply_limit == table["supply_limit"]
    for hammer, written in zip(instrument.hammers, table["pitches"], strict=True):
        assert str(written) in (hammer.name, str(hammer.pitch))
        own = content["hammers"].get(hammer.name, {})
        for key in ("current", "refill", "capacity"):
            assert getattr(hammer, key) == own.get(key, getattr(kind, key))
        for key in ("shortest_pulse", "longest_pulse", "recovery"):
            wanted = own[f"{key}_ms"] / 1000 if f"{key}_ms" in own else getattr(kind, key)
            assert getattr(hammer, key) == wanted


VALUES = st.recursive(
    st.integers()
    | st.floats()
    | st.booleans()
    | st.text(max_size=6)
    | st.sampled_from(["C6", "sim:", 84, 1.0]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
KEYS = sorted({key for table in TABLES.values() for key in table.model_fields})
INNER = st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=4), VALUES, max_size=4)
HAMMERS = st.dictionaries(st.sampled_from(["C6", "Gb6", "all", "x"]) | st.text(max_size=3), INNER, max_size=3)
JUNK = st.dictionaries(
    st.sampled_from(sorted(TABLES)) | st.text(max_size=4), INNER | HAMMERS | VALUES, max_size=4
)


def complaint(path: Path, content: dict[str, Any]) -> str:
    try:
        load(path, content)
    except ConfigError as error:
        return str(error)
    return str(path)


@examples(60)
@given(content=JUNK)
def test_junk_is_never_anything_but_a_config_error(path: Path, content: dict[str, Any]) -> None:
    told = complaint(path, content).split("\n")
    assert all(line.startswith(str(path)) and line.isprintable() for line in told)


@examples(60)
@given(text=st.text(alphabet=st.sampled_from("[]=.\"'#\n \tabC6éx0{},-\\\0"), max_size=60))
def test_text_that_is_hardly_toml_is_never_anything_but_a_config_error(path: Path, text: str) -> None:
    path.write_bytes(text.encode())
    try:
        load_settings(path, environ={}, working=path.parent, user=path.parent / "user")
    except ConfigError as error:
        told = str(error).split("\n")
    else:
        told = [str(path)]
    assert all(line.startswith(str(path)) and line.isprintable() for line in told)
