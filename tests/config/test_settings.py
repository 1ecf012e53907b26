from __future__ import annotations

import sys
from dataclasses import fields, replace
from pathlib import Path
from types import FrameType

import pytest

import programs
from xylophone.arranger import DEFAULT_PRESET, Weights, preset
from xylophone.config import (
    DEFAULT_BACKEND,
    ArrangeSettings,
    PlayerSettings,
    Settings,
    SimulationSettings,
    load_instrument,
    load_settings,
)
from xylophone.config.schema import ArrangeTable
from xylophone.errors import ConfigError, FileError, InstrumentError, OptionError
from xylophone.instrument import KINDS, Hammer, build_instrument

WHOLE = """
[instrument]
name = "Alma"
lowest = "C6"
highest = 88
kind = "jf-0530b"
supply_limit = 3
channels = [4, 3, 2, 1, 0]
sounding = 12
bars = "rosewood"

[hammers.all]
recovery_ms = 90
current = 0.35
[hammers.C6]
recovery_ms = 120
[hammers."C#6"]
channel = 20
shortest_pulse_ms = 16.5
longest_pulse_ms = 30
refill = 0.2
capacity = 50

[backend]
url = "serial:auto"

[arrange]
preset = "music-box"
chord = 6
cramped = 2
tremolo = true

[player]
speed = 0.9
volume = 1.2
roll = false

[simulation]
seed = 7
tolerance = 0.5
scatter_ms = 0.2
scatter_db = 0
"""


@pytest.fixture
def alone(tmp_path: Path) -> Path:
    """A folder in which no configuration lies, nor in the user's below it."""
    return tmp_path


def load(folder: Path, text: str | None = None, **options: object) -> Settings:
    if text is not None:
        (folder / "xylophone.toml").write_text(text)
    places = {"environ": {}, "working": folder, "user": folder / "user"}
    return load_settings(**(places | options))  # type: ignore[arg-type]


def test_without_a_file_everything_is_default(alone: Path) -> None:
    settings = load(alone)
    assert settings.instrument == build_instrument()
    assert (settings.config, settings.calibration, settings.backend) == (None, None, DEFAULT_BACKEND)
    assert (settings.player, settings.simulation) == (PlayerSettings(), SimulationSettings())
    assert (settings.arrange, settings.arrange.weights) == (ArrangeSettings(), preset(DEFAULT_PRESET))
    assert settings.calibration_home == alone / "user" / "calibration-sim.toml"
    assert load(alone, backend="serial:auto").calibration_home == alone / "user" / "calibration.toml"
    assert dict(settings.lines())["config"] == "none (no file found)"


def test_every_key_of_a_file_reaches_the_settings(alone: Path) -> None:
    settings = load(alone, WHOLE)
    instrument = settings.instrument
    assert (instrument.name, instrument.kind, instrument.supply_limit) == ("Alma", KINDS["jf-0530b"], 3.0)
    assert (instrument.sounding, instrument.bars) == (12, "rosewood")
    assert [hammer.name for hammer in instrument.hammers] == ["C6", "C#6", "D6", "D#6", "E6"]
    assert [hammer.channel for hammer in instrument.hammers] == [4, 20, 2, 1, 0]
    assert [hammer.recovery for hammer in instrument.hammers] == [0.12, 0.09, 0.09, 0.09, 0.09]
    second = instrument.hammers[1]
    assert (second.shortest_pulse, second.longest_pulse) == (0.0165, 0.03)
    assert (second.current, second.refill, second.capacity) == (0.35, 0.2, 50.0)
    assert settings.backend == "serial:auto"
    assert settings.arrange.weights == replace(preset("music-box"), chord=6, cramped=2, tremolo=True)
    assert settings.player == PlayerSettings(speed=0.9, volume=1.2, roll=False)
    assert settings.simulation == SimulationSettings(7, 0.5, 0.0002, 0.0)


def test_an_empty_file_means_the_default_instrument(alone: Path) -> None:
    settings = load(alone, "")
    assert settings.instrument == build_instrument()
    assert settings.sources["config"] == "working folder"
    assert settings.sources["instrument"] == settings.sources["player"] == "default"


def test_a_layout_brings_its_own_sounding(alone: Path) -> None:
    text = '[instrument]\nlayout = "glockenspiel-written"\n'
    assert load(alone, text).instrument == build_instrument("glockenspiel-written")
    assert load(alone, text + "sounding = 0").instrument.sounding == 0


def test_a_layout_named_on_the_command_line_has_bars_of_its_own(alone: Path) -> None:
    text = '[instrument]\nlayout = "diatonic-15"\nbars = "rosewood"\n'
    assert load(alone, text).instrument == build_instrument("diatonic-15", bars="rosewood")
    assert load(alone, text, layout="song-bell").instrument.bars == "steel"


def test_pitches_are_names_or_numbers(alone: Path) -> None:
    settings = load(alone, '[instrument]\npitches = ["c5", 74, "Eb5", "90"]')
    assert [hammer.name for hammer in settings.instrument.hammers] == ["C5", "D5", "D#5", "F#6"]
    assert settings.instrument.name == "own"


@pytest.mark.parametrize("query", ["trace=precious", "%74race=precious", "speed=2&trace"])
def test_only_the_command_line_names_a_file_to_write(alone: Path, query: str) -> None:
    url = f"gpio:null?{query}"
    text = f'[backend]\nurl = "{url}"'
    (alone / "named.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"named.toml: .*give trace= on the command line"):
        load(alone, config=alone / "named.toml")
    with pytest.raises(ConfigError, match=r"XYLOPHONE_BACKEND: .*give trace= on the command line"):
        load(alone, environ={"XYLOPHONE_BACKEND": url})
    assert load(alone, text, backend=url).backend == url
    assert load(alone, '[backend]\nurl = "gpio:null"').backend == "gpio:null"


def test_the_backend_is_taken_from_option_environment_configuration_simulation(alone: Path) -> None:
    text = '[backend]\nurl = "gpio:"'
    named = {"XYLOPHONE_BACKEND": "gpio:pins"}
    first = load(alone, text, environ=named, backend="serial:auto")
    assert (first.backend, first.sources["backend"]) == ("serial:auto", "--backend")
    second = load(alone, text, environ=named)
    assert (second.backend, second.sources["backend"]) == ("gpio:pins", "XYLOPHONE_BACKEND")
    third = load(alone, text, environ={"XYLOPHONE_BACKEND": ""})
    assert (third.backend, third.sources["backend"]) == ("gpio:", str(alone / "xylophone.toml"))
    fourth = load(alone, "")
    assert (fourth.backend, fourth.sources["backend"]) == ("sim:", "default")


def test_every_weight_can_be_configured() -> None:
    """One that the arranger has and the table has not could not be set; the bounds are the arranger's too."""
    assert set(ArrangeTable.model_fields) == {"preset", *(field.name for field in fields(Weights))}
    for name in set(ArrangeTable.model_fields) - {"preset"}:
        bounds = [bound for bound in ArrangeTable.model_fields[name].metadata if hasattr(bound, "le")]
        for bound in bounds:
            replace(Weights(), **{name: bound.le})
            with pytest.raises(OptionError, match=f"weight {name} .* is out of range"):
                replace(Weights(), **{name: bound.le * 1.01})


def test_weights_without_a_preset_change_the_default_one(alone: Path) -> None:
    assert load(alone, "[arrange]\ngap = 0.5").arrange.weights == replace(preset(DEFAULT_PRESET), gap=0.5)


def test_a_layout_given_takes_the_place_of_the_bars_only(alone: Path) -> None:
    settings = load(alone, WHOLE, layout="music-box-c")
    plain = build_instrument("music-box-c", "jf-0530b")
    assert settings.instrument.name == "music-box-c"
    assert (settings.instrument.pitches == plain.pitches).all()
    assert (settings.instrument.supply_limit, settings.instrument.sounding) == (3.0, 0)
    assert {hammer.recovery for hammer in settings.instrument.hammers} == {0.09}
    assert settings.sources["instrument"] == "--instrument"


def test_calibration_found_by_itself_is_for_the_configured_bars(alone: Path) -> None:
    (alone / "calibration.toml").touch()
    assert load(alone, WHOLE, backend="sim:").calibration is None
    assert load(alone, WHOLE).calibration == alone / "calibration.toml"
    assert load(alone, WHOLE, layout="song-bell").calibration is None
    named = load(alone, WHOLE, layout="song-bell", calibration=Path("c.toml"))
    assert (named.calibration, named.sources["calibration"]) == (Path("c.toml"), "--calibration")


@pytest.mark.parametrize("text", [None, WHOLE])
def test_an_unknown_layout_names_the_nearest(alone: Path, text: str | None) -> None:
    with pytest.raises(InstrumentError, match=r"unknown layout 'songbell': did you mean song-bell\?"):
        load(alone, text, layout="songbell")


def test_a_variable_that_names_no_file_is_an_error(alone: Path) -> None:
    with pytest.raises(FileError, match=r"XYLOPHONE_CONFIG names .*none\.toml, which is not there: mend"):
        load(alone, environ={"XYLOPHONE_CONFIG": str(alone / "none.toml")})


def test_an_option_that_names_no_file_is_an_error(alone: Path) -> None:
    with pytest.raises(FileError, match=r"cannot read .*none\.toml: there is no such file"):
        load(alone, config=alone / "none.toml")


def test_what_is_in_force_is_told_with_its_source(alone: Path) -> None:
    told = dict(load(alone, WHOLE).lines())
    path = alone / "xylophone.toml"
    assert told["config"] == f"{path} (working folder)"
    assert told["backend"] == f"serial:auto ({path})"
    assert told["arrange"] == f"preset music-box, cramped 2, chord 6, tremolo true ({path})"
    assert told["player"] == f"speed 0.9, volume 1.2, chords are never rolled ({path})"
    assert told["simulation"] == f"seed 7, tolerance 0.5, scatter 0.2 ms and 0 dB ({path})"
    assert told["calibration"] == "default curves of jf-0530b (default)"


def test_what_is_in_force_can_be_json(alone: Path) -> None:
    import json

    found = json.loads(json.dumps(load(alone, WHOLE).as_dict()))
    assert (found["instrument"], found["kind"], found["lowest"], found["highest"]) == (
        "Alma",
        "jf-0530b",
        84,
        88,
    )
    assert found["player"] == {"speed": 0.9, "volume": 1.2, "roll": False}
    assert found["calibration"] is None
    assert set(found["sources"]) == {
        "config", "instrument", "calibration", "backend", "arrange", "home", "player", "simulation",
    }  # fmt: skip
    assert found["arrange"]["preset"] == "music-box"
    assert found["arrange"]["weights"]["chord"] == 6


def test_an_instrument_is_loaded_by_file_or_by_name(alone: Path) -> None:
    (alone / "mine.toml").write_text(WHOLE)
    assert load_instrument(alone / "mine.toml").name == "Alma"
    assert load_instrument(str(alone / "mine.toml")).name == "Alma"
    assert load_instrument("glockenspiel") == build_instrument("glockenspiel")
    with pytest.raises(InstrumentError, match=r"did you mean glockenspiel\?"):
        load_instrument("glokenspiel")
    with pytest.raises(FileError, match="there is no such file"):
        load_instrument(alone / "none.toml")


def test_the_instrument_in_force_is_the_one_of_the_working_folder(
    alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (alone / "xylophone.toml").write_text(WHOLE)
    monkeypatch.delenv("XYLOPHONE_CONFIG", raising=False)
    monkeypatch.chdir(alone)
    assert load_instrument().name == "Alma"


def test_without_a_file_no_checking_library_is_imported(alone: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from xylophone.config import load_settings;"
        "load_settings(environ={}, working=Path(sys.argv[1]), user=Path(sys.argv[1]));"
        "print(sorted({'pydantic', 'tomlkit', 'platformdirs', 'tomllib'} & set(sys.modules)))"
    )
    ran = programs.run(
        [sys.executable, "-c", program, str(alone)], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "[]"


def test_errors_of_a_file_begin_with_its_path(alone: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(alone, '[backend]\nurl = "nowhere"')
    assert str(caught.value).startswith(f"{alone / 'xylophone.toml'}, line 2: backend.url is 'nowhere': ")


def test_each_hammer_of_a_file_is_checked_once(alone: Path) -> None:
    (alone / "xylophone.toml").write_text("[hammers.all]\nrecovery_ms = 90\n[hammers.C6]\nchannel = 40\n")
    checked: list[str] = []

    def note(frame: FrameType, what: str, _: object) -> None:
        if what == "call" and frame.f_code is Hammer.__post_init__.__code__:
            checked.append(frame.f_locals["self"].pitch)

    sys.setprofile(note)
    try:
        instrument = load_instrument(alone / "xylophone.toml")
    finally:
        sys.setprofile(None)
    assert checked == instrument.pitches.tolist()
