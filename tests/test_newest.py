"""scripts/newest.py: what it writes of versions that were tested, and whom it blames."""

from __future__ import annotations

import runpy
from importlib.metadata import PackageNotFoundError, requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


@pytest.fixture(scope="module")
def newest(root):
    return runpy.run_path(str(root / "scripts" / "newest.py"))


TABLES = {
    "3.11": {"click": "8.5.1", "numpy": "2.4.6", "lgpio": "0.2.2.0"},
    "3.13": {"click": "8.5.1", "numpy": "2.5.0"},
    "3.9": {"click": "8.5.1", "numpy": "2.4.6"},
}


def test_versions_that_differ_by_python_get_markers(newest):
    lines = newest["write_constraints"](TABLES).splitlines()
    assert lines[1:] == [
        "# Python: 3.9 3.11 3.13",
        "click==8.5.1",
        "lgpio==0.2.2.0",
        'numpy==2.4.6 ; python_version < "3.13"',
        'numpy==2.5.0 ; python_version >= "3.13"',
    ]


def test_what_is_written_is_read_again(newest):
    everywhere = {python: {"lgpio": "0.2.2.0"} | table for python, table in TABLES.items()}
    assert newest["read_constraints"](newest["write_constraints"](TABLES)) == everywhere


def test_more_than_a_marker_can_tell_is_refused(newest):
    tables = {"3.11": {"a": "1"}, "3.12": {"a": "2"}, "3.13": {"a": "1"}}
    with pytest.raises(ValueError, match="a has 3 versions"):
        newest["write_constraints"](tables)


def test_the_file_that_is_there_is_as_it_would_be_written(newest, root):
    text = (root / "constraints.txt").read_text()
    assert newest["write_constraints"](newest["read_constraints"](text)) == text


def test_the_one_that_breaks_the_suite_is_named(newest):
    tested, changed = {"a": "1", "b": "1", "c": "1"}, {"a": "2", "b": "2", "c": "2", "d": "2"}
    alone = newest["culprit"](changed, tested, lambda name, version: (name, version) == ("b", "1"))
    assert alone == "b 2 (with 1 they pass)"
    together = newest["culprit"](changed, tested, lambda name, version: False)
    assert together == "no single one, but one of a 2, b 2, c 2, d 2"


def test_what_is_newer_is_what_was_not_tested(newest):
    assert newest["newer"]({"a": "1", "b": "1"}, {"a": "1", "b": "2", "c": "1"}) == {"b": "2", "c": "1"}


def needed(requirement: Requirement, found: set[str]) -> None:
    """Add what a requirement needs here, itself too, by name; what is not installed is left out."""
    name = canonicalize_name(requirement.name)
    try:
        wanted = [Requirement(line) for line in requires(name) or []]
    except PackageNotFoundError:
        return
    if name not in found:
        found.add(name)
        for extra in ("", *requirement.extras):
            for more in wanted:
                if more.marker is None or more.marker.evaluate({"extra": extra}):
                    needed(more, found)


def test_everything_that_is_installed_with_the_project_has_a_version(newest, root):
    found: set[str] = set()
    needed(Requirement("xylophone[test,oracle,plot,serial,gpio,lgpio,audio]"), found)
    tables = newest["read_constraints"]((root / "constraints.txt").read_text())
    named = {canonicalize_name(name) for table in tables.values() for name in table}
    assert found - named == {"xylophone"}


def test_of_what_pip_lists_only_pip_itself_is_left_out(newest):
    listed = "-e git+https://here\nclick==8.5.1\npip==26.4\nsetuptools==84.2.1\n"
    assert newest["frozen"](listed) == {"click": "8.5.1", "setuptools": "84.2.1"}
