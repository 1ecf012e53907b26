"""docs/configuration.md says what the tables of the program say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from xylophone.calibration.values import CURVES, TERMS
from xylophone.config import load_settings
from xylophone.config.schema import TABLES, rule_of
from xylophone.instrument import KINDS, LAYOUTS, HammerKind


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs" / "configuration.md").read_text(encoding="utf-8")


def row(page: str, key: str) -> str:
    """Return the one row of a table that begins with this key."""
    lines = page.split("## calibration.toml\n")[0].splitlines()
    (found,) = [line for line in lines if line.startswith(f"| `{key}` |")]
    return found


@pytest.mark.parametrize(
    ("table", "key"), [(name, key) for name in TABLES for key in TABLES[name].model_fields]
)
def test_every_key_is_described_with_its_bounds_and_default(page: str, table: str, key: str) -> None:
    field = TABLES[table].model_fields[key]
    written = row(page, key)
    bounds = re.findall(r"-?[\d.]+\.\.[\d.]+(?: [a-zA-Z]+)?", rule_of(TABLES[table], key))
    assert all(bound in written for bound in bounds)
    if field.default is not None:
        default = str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
        assert default in written.rsplit(" | ", 1)[1]


def test_no_key_is_described_that_there_is_not(page: str) -> None:
    part = page.split("### [instrument]")[1].split("## Examples")[0]
    known = {key for table in TABLES.values() for key in table.model_fields} | set(LAYOUTS) | set(KINDS)
    assert set(re.findall(r"(?m)^\| `([^`]+)` \|", part)) == known


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
def test_every_layout_is_described(page: str, layout: str) -> None:
    _, sounding, about = LAYOUTS[layout]
    assert row(page, layout) == f"| `{layout}` | {about} | {sounding} |"


def kind_row(kind: HammerKind) -> str:
    cells = (
        f"{kind.voltage:g} V",
        f"{kind.current:g} A",
        f"{kind.shortest_pulse * 1000:g}..{kind.longest_pulse * 1000:g} ms",
        f"{kind.recovery * 1000:g} ms",
        f"{kind.refill:.3g} s a second",
        f"{kind.capacity:.3g} s",
        f"{kind.supply_limit:g} A",
    )
    return f"| `{kind.name}` | {' | '.join(cells)} |"


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_is_described(page: str, kind: str) -> None:
    assert row(page, kind) == kind_row(KINDS[kind])


def test_every_key_of_a_calibration_is_described(page: str) -> None:
    part = page.split("## calibration.toml")[1]
    supply = [f"supply.{'lag_ms' if key == 'lag' else key}" for key in TERMS[0]]
    warmth = [f"warmth.{key}" for key in TERMS[1]]
    keys = ["version", "kind", "rest_time", "rest_coupling", "origin", "level_db", *supply, *warmth]
    for key in [*keys, *(f"{key}_ms" for key in CURVES)]:
        assert f"`{key}`" in part, key


def test_the_examples_can_be_pasted(page: str, tmp_path: Path) -> None:
    examples = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    names = []
    for number, example in enumerate(examples):
        path = tmp_path / f"{number}.toml"
        path.write_text(example, encoding="utf-8")
        names.append(load_settings(path, environ={}, user=tmp_path / "user").instrument.name)
    assert names == ["glockenspiel-25", "Alma"]


def test_the_program_runs(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(compile(program, "docs/configuration.md", "exec"), {})
    assert capsys.readouterr().out == "30 C3 8\n"


def test_the_errors_shown_are_the_program_s(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from xylophone.errors import ConfigError

    monkeypatch.chdir(tmp_path)
    text = '[instrument]\nlayout = "song-bell"\nsuply_limit = 8\n\n\n[hammers."F#6"]\nrecovery_ms = 5\n'
    Path("xylophone.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_settings(environ={}, user=tmp_path / "user")
    assert str(caught.value) in page
