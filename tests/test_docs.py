"""The documentation says what is there: commands, options, keys, links, code and examples."""

from __future__ import annotations

import ast
import importlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from pydantic import BaseModel

import forking
import xylophone
import xylophone.config.schema
from imports import ROOT
from xylophone.cli import cli

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
EXAMPLES = sorted(ROOT.glob("examples/*.py"))

PYTHON_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(<?([^)>\s]+)>?[^)]*\)|(?:src|href)=\"([^\"]+)\"")
HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)


def page_name(page: Path) -> str:
    """Return a page's name as tests show it."""
    return page.relative_to(ROOT).as_posix()


def commands(group: click.Group = cli, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """Yield every command with its full name."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command, f"{name} is listed and not there"
        yield f"{path}{name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{path}{name} ")


def section(text: str, title: str) -> str:
    """Return what stands under the heading that names a command, up to the next of its rank."""
    found = re.search(
        rf"^(#+) .*`(?:xylophone )?{re.escape(title)}\b[^\n]*\n(.*?)(?=^\1 |\Z)", text, re.M | re.S
    )
    return found[0] if found else ""


def test_every_command_and_option_is_in_the_cli_page():
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    lacking = []
    for name, command in commands():
        about = section(text, name)
        options = [
            option for option in command.params if isinstance(option, click.Option) and not option.hidden
        ]
        words = [word for option in options for word in (*option.opts, *option.secondary_opts)]
        lacking += [f"{name}: no section"] if not about else []
        lacking += [f"{name} {word}" for word in words if not re.search(rf"(?<![\w-]){word}(?![\w-])", about)]
    assert not lacking


def test_every_documented_command_exists():
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    titled = re.findall(r"^#+ .*?`xylophone ([a-z]+)", text, re.MULTILINE)
    assert titled
    assert set(titled) <= {name for name, _ in commands()}


def keys() -> set[str]:
    """Return every key that xylophone.toml may have, from the models that read it."""
    models = [
        value
        for value in vars(xylophone.config.schema).values()
        if isinstance(value, type) and issubclass(value, BaseModel) and value is not BaseModel
    ]
    return {field.alias or name for model in models for name, field in model.model_fields.items()}


def test_every_key_of_the_configuration_is_in_its_page():
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert keys()
    assert not {key for key in keys() if not re.search(rf"(?<!\w){re.escape(key)}(?!\w)", text)}


def blocks() -> list[tuple[str, str]]:
    """Return every Python block with the page and line it stands at."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for block in PYTHON_BLOCK.finditer(text):
            found.append((f"{page_name(page)}:{text[: block.start()].count(chr(10)) + 1}", block[1]))
    return found


def test_there_is_code_to_look_at():
    assert any(place.startswith("README.md") for place, _ in blocks())


@pytest.mark.parametrize("code", [pytest.param(code, id=place) for place, code in blocks()])
def test_python_in_the_pages_compiles_and_imports_what_is_there(code):
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                importlib.import_module(alias.name)
        elif isinstance(node, ast.ImportFrom):
            module = importlib.import_module(str(node.module))
            assert not [alias.name for alias in node.names if not hasattr(module, alias.name)]


def shown() -> list[tuple[str, str]]:
    """Return every program that is shown to users, in a page or as an example."""
    return [*blocks(), *((page_name(path), path.read_text(encoding="utf-8")) for path in EXAMPLES)]


@pytest.mark.parametrize("code", [pytest.param(code, id=place) for place, code in shown()])
def test_what_is_shown_to_users_needs_the_public_surface_only(code):
    nodes = list(ast.walk(ast.parse(code)))
    homes = [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    homes += [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    ours = {home for home in homes if home.split(".")[0] == "xylophone"}
    assert ours <= {"xylophone"}
    taken = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.module == "xylophone"]
    assert {alias.name for node in taken for alias in node.names} <= set(xylophone.__all__)


def test_every_public_name_is_in_its_page_and_no_other():
    text = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    assert sorted(named) == xylophone.__all__


def anchors(page: Path) -> set[str]:
    """Return the names that a page's headings have in links, by GitHub's rule."""
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in HEADING.findall(text)}


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_links_within_the_project_lead_somewhere(page):
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    targets = [markdown or html for markdown, html in LINK.findall(text)]
    lost = []
    for target in targets:
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path) if path else page
        known = there.exists() and (not anchor or there.suffix != ".md" or anchor in anchors(there))
        lost += [] if known else [target]
    assert not lost


SOURCE = re.compile(r"`(?:[\w.-]+/)*([\w-]+\.(?:py|c|h|S))`")
TREE = ("xylophone", "tests", "benchmarks", "docs", "examples", "firmware", "scripts", "songs")


def test_every_source_that_is_named_is_there():
    """In pages, docstrings and comments; a file that was renamed must be renamed where it is spoken of."""
    files = [path for folder in TREE for path in (ROOT / folder).rglob("*.*") if "build" not in path.parts]
    there = {path.name for path in files}
    lost = [
        f"{page_name(path)}: {name}"
        for path in {*PAGES, *files} - {ROOT / "CHANGELOG.md"}
        if path.suffix in (".md", ".py", ".c", ".h", ".S")
        for name in SOURCE.findall(path.read_text(encoding="utf-8"))
        if name not in there
    ]
    assert not lost


def test_there_are_examples():
    assert EXAMPLES


@pytest.mark.parametrize("example", EXAMPLES, ids=page_name)
def test_an_example_runs_on_the_simulated_instrument(example, tmp_path):
    """In an empty folder, with no configuration of whoever runs the tests."""
    code = [line for line in example.read_text(encoding="utf-8").splitlines() if line.strip()]
    assert len(code) <= 30
    own = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("XYLO")}
    ran = forking.run([example], cwd=tmp_path, env=kept | own, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
