"""Imports go down the layers of docs/architecture.md, in no circle; third parties stay where they are."""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from functools import cache
from graphlib import CycleError, TopologicalSorter

import pytest

import programs
from imports import PACKAGE, ROOT, Import, all_imports, imports_of, sources

LAYERS = [
    {"errors", "clock", "pitch", "files", "tables", "words"},
    {"song", "instrument", "wiring", "strikes"},
    {"midifile", "config", "calibration", "arranger", "sequencer", "sound"},
    {"link", "tuning", "performance.performance", "collection.tunes"},
    {"backends", "gpio", "simulation"},
    {
        "player",
        "performance",
        "collection",
        "plotter",
        "soundcard",
        "running",
        "board",
        "owner",
        "shelf",
        "live",
    }
    | {"tuning.auto_session"},
    {"cli", "testing", "__main__"},
]
"""What may be imported by the rows below; a row's packages go with all their modules."""

THIRD_PARTIES = {
    "blessed": {"cli"},
    "chardet": {"midifile.texts"},
    "click": {"cli"},
    "drawsvg": {"plotter"},
    "filelock": {"files"},
    "font_source_sans_pro": {"plotter"},
    "gpiozero": {"gpio"},
    "mido": {"midifile.writing"},
    "numpy": {""},
    "platformdirs": {"config"},
    "pydantic": {"config"},
    "pydantic_core": {"config"},
    "pyloudnorm": {"sound.loudness"},
    "pytest": {"testing"},
    "resvg_py": {"plotter"},
    "rich": {"cli"},
    "rtmidi": {"live.ports"},
    "serial": {"backends.ports"},
    "smbus2": {"gpio.expander"},
    "sounddevice": {"soundcard"},
    "tomlkit": {"config"},
}
"""Library: the modules, or packages with all their modules, that may import it; "" is all of them."""

NOT_AT_IMPORT = {
    "blessed",
    "chardet",
    "click",
    "drawsvg",
    "gpiozero",
    "mido",
    "numpy",
    "pydantic",
    "pyloudnorm",
    "rich",
    "rtmidi",
    "serial",
    "smbus2",
    "sounddevice",
    "sqlite3",
}

MOST_LOOSE = 12
"""Modules beside the rooms, `__init__` not counted."""

MOST_LATE = 40
"""Imports of our own within functions, each because of a heavy library or the physics behind it."""


@cache
def ours() -> list[Import]:
    """Return the imports of our own modules."""
    return [entry for entry in all_imports() if entry.target.split(".")[0] == PACKAGE]


def short(module: str) -> str:
    """Return a module's name without the package's."""
    return module.removeprefix(PACKAGE).removeprefix(".")


def within(module: str, place: str) -> bool:
    """Tell whether a module is `place` or stands inside it."""
    return place == "" or short(module) == place or short(module).startswith(f"{place}.")


def layer_of(module: str) -> int:
    """Return the layer of the longest entry that holds a module."""
    fits = [(len(place), layer) for layer, row in enumerate(LAYERS) for place in row if within(module, place)]
    assert fits, f"{module} stands in no layer: give it a place in LAYERS and in docs/architecture.md"
    return max(fits)[1]


def test_the_layers_are_those_of_the_architecture_and_each_is_there(root):
    page = (root / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^\| (\d) \| (.*) \|$", page)
    written = [{name_of(entry) for entry in re.findall(r"`([^`]+)`", cells)} for _, cells in sorted(rows)]
    assert written == LAYERS
    assert not [place for row in LAYERS for place in row if f"{PACKAGE}.{place}" not in sources()]


def name_of(entry: str) -> str:
    """Return the module or package that a file or folder of the page is."""
    return entry.removesuffix("/").removesuffix(".py").replace("/", ".")


def test_a_module_imports_from_its_own_layer_or_lower_ones():
    layers = {module: layer_of(module) for module in set(sources()) - {PACKAGE}}
    inside = [entry for entry in ours() if PACKAGE not in (entry.module, entry.target)]
    assert inside
    assert not [str(entry) for entry in inside if layer_of(entry.target) > layers[entry.module]]


def test_the_public_surface_is_for_users():
    """Inside the package a name comes from where it lives; only the version is taken from the top."""
    through_the_top = [entry for entry in ours() if entry.target == PACKAGE and entry.name != "__version__"]
    assert not [str(entry) for entry in through_the_top]


def test_no_circle_of_imports():
    graph: dict[str, set[str]] = {module: set() for module in sources()}
    for entry in ours():
        if PACKAGE not in (entry.module, entry.target):
            graph[entry.module].add(entry.target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"modules import each other in a circle: {' <- '.join(error.args[1])}")


def test_what_a_room_s_door_offers_is_taken_there():
    """By the package, its tests or its benchmarks; a name that nobody takes is no part of the door."""
    elsewhere = [*ROOT.glob("tests/**/*.py"), *ROOT.glob("benchmarks/**/*.py")]
    taken = {(entry.target, entry.name) for entry in ours()}
    for path in elsewhere:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        taken |= {(entry.target, entry.name) for entry in imports_of(path.stem, tree, False, set(sources()))}
    offered = {
        (module, name)
        for module, (path, tree) in sources().items()
        if path.name == "__init__.py" and module != PACKAGE
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        for name in ast.literal_eval(node.value)
    }
    assert offered
    assert not offered - taken


def test_every_name_of_the_package_is_spoken_of_again():
    """Outside the tests: what only its definition names is a ghost. Libraries ask for a few by themselves."""
    asked_for = {"list_commands", "get_command", "format_commands", "does_styling", "model_config"}
    asked_for |= {"connection_made", "connection_lost", "data_received", "eof_received"}
    asked_for |= {"pause_writing", "resume_writing"}
    on_the_wire = {"DAMAGED", "crc", "slowest_loop"}  # the C header is written from these
    folders = ("xylophone", "firmware", "benchmarks", "songs", "scripts", "examples", "docs")
    files = [
        path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".md")
    ]
    words = Counter(re.findall(r"\w+", "\n".join(path.read_text(encoding="utf-8") for path in files)))
    defined = {name for _, tree in sources().values() for node in ast.walk(tree) for name in defined_by(node)}
    ghosts = {name for name in defined if words[name] == 1 and not name.startswith("__")}
    assert ghosts == asked_for | on_the_wire


def defined_by(node: ast.AST) -> list[str]:
    """Return the names that a node of a syntax tree gives to something."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def room_of(module: str) -> str:
    """Return the package or loose module, directly below the top, that a module is in."""
    return short(module).split(".")[0]


def test_no_circle_of_rooms():
    graph: dict[str, set[str]] = {room_of(module): set() for module in sources()}
    for entry in ours():
        if PACKAGE not in (entry.module, entry.target) and room_of(entry.module) != room_of(entry.target):
            graph[room_of(entry.module)].add(room_of(entry.target))
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"rooms import each other in a circle: {' <- '.join(error.args[1])}")


def test_few_modules_stand_in_no_room():
    loose = [path.name for path, _ in sources().values() if path.parent.name == PACKAGE]
    assert len(loose) - 1 <= MOST_LOOSE, f"{loose}: find a room for the newest"


def test_few_imports_of_our_own_stand_in_functions():
    """Commands are loaded when they are run (`cli.Commands`): that alone keeps `--help` fast."""
    late = [entry for entry in ours() if entry.in_function]
    assert len(late) <= MOST_LATE, "\n".join(map(str, late))


def test_a_recording_is_tuned_from_without_any_simulation(root):
    listing = "import sys, xylophone.cli.tune.auto; print(*sys.modules)"
    loaded = programs.run(
        [sys.executable, "-c", listing], cwd=root, capture_output=True, text=True, check=True
    ).stdout.split()
    assert "xylophone.tuning.sag" in loaded
    assert not [module for module in loaded if within(module, "simulation") or module.endswith("simulated")]


def test_a_song_is_looked_at_without_what_is_slow_to_load(root):
    """What only numpy.unique without counts, wildcards and tuning need would make each `info` wait."""
    run = (
        "import sys; from xylophone.cli import run; assert run(['info', 'songs/twinkle.mid', '--json']) == 0"
    )
    loaded = programs.run(
        [sys.executable, "-c", f"{run}; print(*sys.modules)"],
        cwd=root, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    assert "xylophone.arranger.account" in loaded
    assert not {"numpy.ma", "glob", "tempfile", "rich", "pydantic", "xylophone.player"} & set(loaded)
    assert not [module for module in loaded if within(module, "simulation") or within(module, "backends")]


def reached_from(place: str) -> set[str]:
    """Return the modules that are loaded, sooner or later, by those within a place."""
    seen = {module for module in sources() if within(module, place)}
    while more := {entry.target for entry in ours() if entry.module in seen} - seen - {PACKAGE}:
        seen |= more
    return seen


def test_the_sequencer_never_learns_from_the_simulation():
    assert any(within(module, "sequencer.planner") for module in reached_from("sequencer"))
    assert not [module for module in reached_from("sequencer") if within(module, "simulation")]


@pytest.mark.parametrize("place", ["backends", "simulation"])
def test_backends_know_pulses_and_clocks_but_no_songs_and_no_player(place):
    foreign = ("song", "player", "collection", "arranger", "midifile", "sequencer")
    mine = [entry for entry in ours() if within(entry.module, place)]
    assert mine
    assert not [str(entry) for entry in mine if any(within(entry.target, other) for other in foreign)]


def test_arrays_and_tables_are_named_and_made_in_one_place():
    """Outside of tables.py no numpy type gets another name, and no table is made without a check."""
    tables = f"{PACKAGE}.tables"
    for module, (_, tree) in sources().items():
        values = [ast.unparse(node.value) for node in tree.body if isinstance(node, ast.Assign)]
        assert module == tables or not [value for value in values if "NDArray" in value], module
        types = {entry.name for entry in ours() if (entry.module, entry.target) == (module, tables)}
        types -= {"Priority", "Refusal"}
        calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        assert not [name for name in types & calls if name[0].isupper()], module


def test_third_parties_stay_in_their_modules():
    def allowed(entry: Import) -> bool:
        library = entry.target.split(".")[0]
        homes = THIRD_PARTIES.get(library, set())
        known = library in sys.stdlib_module_names or library == PACKAGE
        return known or any(within(entry.module, home) for home in homes)

    assert not [str(entry) for entry in all_imports() if not allowed(entry)]


def test_importing_the_package_loads_nothing_heavy(root):
    listing = "import sys, xylophone; print(*{name.split('.')[0] for name in sys.modules})"
    loaded = programs.run(
        [sys.executable, "-c", listing], cwd=root, capture_output=True, text=True, check=True
    )
    assert "xylophone" in loaded.stdout.split()
    assert not NOT_AT_IMPORT & set(loaded.stdout.split())


def test_the_processes_of_a_pi_stay_small(root):
    """Dispatcher and watchdog are locked in memory, on a machine that may have little."""
    modules = "loop, outputs, watchdog, guards, realtime, __main__"
    listing = f"import sys; from xylophone.gpio import {modules}; print(*sys.modules)"
    loaded = programs.run(
        [sys.executable, "-c", listing], cwd=root, capture_output=True, text=True, check=True
    )
    assert not {"numpy", "gpiozero", "smbus2", "asyncio", "multiprocessing"} & set(loaded.stdout.split())


def test_programs_that_tests_start_end_with_them(root):
    """Nobody waits without an end for one that an assertion has left running: tests/programs.py ends it."""
    bare = re.compile(r"\bsubprocess\.(Popen|run|call|check_call|check_output)\(|\bos\.(system|popen)\(")
    hasty = re.compile(r"\bcommunicate\(timeout=|\b(host|process|player|play)\.wait\([^)]|\btimeout=\d")
    tests = sorted((root / "tests").rglob("*.py"))
    assert len(tests) > 100
    found = [path.name for path in tests if bare.search(path.read_text(encoding="utf-8"))]
    assert not found
    found = [path.name for path in tests if hasty.search(path.read_text(encoding="utf-8"))]
    assert not found, "tests wait as long as programs.PATIENCE, since machines can be busy"
