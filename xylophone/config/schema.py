"""The keys of xylophone.toml with type, bounds, unit and meaning; the one module that uses pydantic.

Checks, messages, the words in the file that `xylophone init` writes and the test of
docs/configuration.md all go by these tables. The file beside a song has one of its own.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from ..arranger.choice import MOST_OCTAVES
from ..arranger.weights import (
    LONGEST_GAP,
    MOST_CHORD,
    MOST_DENSITY,
    MOST_LEAD,
    MOST_WEIGHT,
    NEVER,
    PRESETS,
    WHERE_IT_IS,
)
from ..errors import did_you_mean
from ..instrument import DEFAULT_BARS, HAMMER_BOUNDS, KINDS, LAYOUTS, MATERIALS, MOST_HAMMERS
from ..song import MOST_CHANNELS
from ..wiring import BOUNDS, HONEST_PINS, ON_ERROR, Wiring
from . import checks
from .values import (
    DEFAULT_BACKEND,
    MOST_SEED,
    SPEEDS,
    TOLERANCES,
    VOLUMES,
    ArrangeSettings,
    PlayerSettings,
    SimulationSettings,
)

_ARRANGE = ArrangeSettings()
_PLAYER = PlayerSettings()
_SIMULATION = SimulationSettings()
_WIRING = Wiring()


def _one_of(names: Collection[str], what: str) -> AfterValidator:
    """Return the check of a name that must be one of these."""

    def check(name: str) -> str:
        if name not in names:
            raise ValueError(f"no {what}: {did_you_mean(name, names)}")
        return name

    return AfterValidator(check)


Pitch = Annotated[int, BeforeValidator(checks.pitch)]
Channel = Annotated[int, Field(ge=0, le=MOST_HAMMERS - 1)]
MidiChannel = Annotated[int, Field(ge=1, le=MOST_CHANNELS)]
TrackNumber = Annotated[int, Field(ge=0, le=65535)]
TrackKey = Annotated[str, Field(pattern=r"^[0-9]{1,5}$")]
Octave = Annotated[int, Field(ge=-MOST_OCTAVES, le=MOST_OCTAVES)]

_TRACKS = "a list of tracks as xylophone info numbers them, 0..65535"
_CHANNELS = "a list of channels 1..16, of a second port 17..32"


def _number(default: float | None, least: float, most: float, unit: str, about: str) -> Any:
    """Return a field for a number within bounds; `rule` says them in words."""
    rule = f"a number {least:.12g}..{most:.12g}{f' {unit}' if unit else ''}"
    return Field(default, ge=least, le=most, description=about, json_schema_extra={"rule": rule})


def _limit(key: str, about: str) -> Any:
    """Return a field for a limit of a hammer, within the bounds of `Hammer`; times are in ms."""
    least, most, unit = HAMMER_BOUNDS[key.removesuffix("_ms")]
    if key.endswith("_ms"):
        least, most, unit = 1000 * least, 1000 * most, "ms"
    return _number(None, least, most, unit, about)


def _wire(key: str, about: str, unit: str = "") -> Any:
    """Return a field for a number of `Wiring`, with its default and its bounds."""
    least, most = BOUNDS.get(key, (min(HONEST_PINS), max(HONEST_PINS)))
    return _number(getattr(_WIRING, key), least, most, unit, about)


def _other(default: object, rule: str, about: str, **bounds: Any) -> Any:
    return Field(default, description=about, json_schema_extra={"rule": rule}, **bounds)


def _weight(about: str) -> Any:
    return _number(None, 0, MOST_WEIGHT, "", about)


class Table(BaseModel):
    """A table of the file: strict types, unknown keys forbidden, frozen."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class InstrumentTable(Table):
    """[instrument]: the bars, their hammers and what they share."""

    layout: Annotated[str, _one_of(LAYOUTS, "layout")] | None = _other(
        None, f"one of {', '.join(LAYOUTS)}", "which bars there are"
    )
    lowest: Pitch | None = _other(
        None, "a pitch, together with highest", "lowest bar of a chromatic row, in place of layout"
    )
    highest: Pitch | None = _other(None, "a pitch, together with lowest", "highest bar of that row")
    pitches: list[Pitch] | None = _other(
        None,
        f"a list of 1..{MOST_HAMMERS} pitches, rising",
        "every bar by name or MIDI number, in place of layout",
        min_length=1,
        max_length=MOST_HAMMERS,
    )
    name: Annotated[str, AfterValidator(checks.name)] | None = _other(
        None, "text of 1..40 letters", "what the instrument is called", min_length=1, max_length=40
    )
    kind: Annotated[str, _one_of(KINDS, "hammer kind")] | None = _other(
        None, f"one of {', '.join(KINDS)}", "make of the hammers, with all their limits"
    )
    supply_limit: float | None = _number(
        None, 0.01, 1000, "A", "current that the supply gives to all coils together"
    )
    channels: list[Channel] | None = _other(
        None,
        f"a list of numbers 0..{MOST_HAMMERS - 1}, one for each bar",
        "output channel of each bar, from the lowest",
        max_length=MOST_HAMMERS,
    )
    sounding: int | None = _number(
        None, -48, 48, "semitones", "how far the bars sound above the pitches given here"
    )
    bars: Annotated[str, _one_of(MATERIALS, "material")] = _other(
        DEFAULT_BARS,
        f"one of {', '.join(MATERIALS)}",
        "what the bars are made of: how the simulated ones sound",
    )


class HammerTable(Table):
    """[hammers.C6]: what one hammer has different; [hammers.all] holds for each that says nothing else."""

    channel: int | None = _limit("channel", "output channel")
    current: float | None = _limit("current", "current while its coil is on")
    shortest_pulse_ms: float | None = _limit("shortest_pulse_ms", "shortest pulse that reaches the bar")
    longest_pulse_ms: float | None = _limit("longest_pulse_ms", "longest pulse that strikes once")
    recovery_ms: float | None = _limit("recovery_ms", "shortest time from strike to strike")
    refill: float | None = _limit("refill", "on-time that the coil stands for ever")
    capacity: float | None = _limit("capacity", "on-time that warms the coil by 20 K")


class BackendTable(Table):
    """[backend]: what plays."""

    url: Annotated[str, AfterValidator(checks.url)] = _other(
        DEFAULT_BACKEND, "a scheme and a colon, such as sim: or serial:auto", "which backend plays"
    )


class GpioTable(Table):
    """[gpio]: how the hammers are wired to a Raspberry Pi."""

    registers: int = _wire("registers", "chips 74HC595 in the chain of gpio:595")
    spi_device: int = _wire("spi_device", "chip select of SPI0 that latches them")
    spi_rate: int = _wire("spi_rate", "speed of SPI", "bits a second")
    read_back: bool = _other(
        _WIRING.read_back, "true or false", "whether QH' of the last 74HC595 is wired to MISO"
    )
    output_enable_pin: int = _wire("output_enable_pin", "GPIO that is wired to /OE of all 74HC595")
    i2c_bus: int = _wire("i2c_bus", "I2C bus of gpio:mcp23017")
    i2c_addresses: list[int] = _other(
        list(_WIRING.i2c_addresses), "a list of 1..8 numbers 32..39", "addresses of the MCP23017"
    )
    reset_pin: int = _wire("reset_pin", "GPIO that is wired to /RESET of all MCP23017")
    pins: list[int] = _other(
        list(_WIRING.pins), "a list of GPIO numbers 9..13 and 16..27", "pins of gpio:pins, by channel"
    )
    master_enable_pin: int | None = _wire(
        "master_enable_pin", "GPIO that is wired to the master enable, the relay in the coils' supply"
    )
    on_error: str = _other(
        _WIRING.on_error,
        " or ".join(f'"{choice}"' for choice in ON_ERROR),
        "what follows outputs that fail in play",
    )

    @property
    def wiring(self) -> Wiring:
        """The wiring; ConfigError where keys that are right by themselves do not fit together."""
        lists = {"i2c_addresses": tuple(self.i2c_addresses), "pins": tuple(self.pins)}
        return Wiring(**(self.model_dump() | lists))


class ArrangeTable(Table):
    """[arrange]: how songs are arranged unless the command says otherwise."""

    preset: Annotated[str, _one_of(PRESETS, "preset")] = _other(
        _ARRANGE.preset, f"one of {', '.join(PRESETS)}", "bundle of all weights"
    )
    lost: float | None = _weight("transposition: a note that no bar of any octave can sound")
    folded: float | None = _weight("transposition: a note that must go to another octave")
    bass: float | None = _weight("transposition: a bass note, beside a melody note")
    inner: float | None = _weight("transposition: an inner note, beside a melody note")
    line: float | None = _weight("transposition: a note on top while the melody rests or is held")
    cramped: float | None = _weight("transposition: a tune without an octave of bars beneath it")
    key: float | None = _weight("transposition: leaving the key")
    octave: float | None = _weight("transposition: each octave of distance")
    melody_stray: float | None = _weight("a melody note that must leave its phrase")
    melody_jump: float | None = _weight("an octave jump within a phrase of the melody")
    phrase_jump: float | None = _weight("an octave jump between two phrases of the melody")
    melody_away: float | None = _weight("each octave that a melody note is moved")
    stray: float | None = _weight("an accompanying note that must leave its phrase")
    cover: float | None = _weight("an accompanying note above the melody that sounds")
    apart: float | None = _weight("a note on top, moved by other octaves than the melody")
    jump: float | None = _weight("an octave jump between two phrases of an accompanying voice")
    tear: float | None = _weight("an octave jump within a phrase of an accompanying voice")
    away: float | None = _weight("each octave that an accompanying note is moved")
    high_bass: float | None = _weight("each octave that a bass note lies above the lowest bars")
    near: float | None = _weight("the lowest note of a chord, less than a sixth below the melody note")
    under: float | None = _weight("another note below the bass that it is written above")
    unlike: float | None = _weight("a note in another octave than most of what it repeats")
    lead: float | None = _number(
        None, 0, MOST_LEAD, "dB", "by how much the tune is louder than all that accompanies it"
    )
    chord: int | None = _number(None, 0, MOST_CHORD, "", "most strikes at one instant, 0 for as many as come")
    gap: float | None = _number(
        None, 0, LONGEST_GAP, "s", "least time between two accompanying strikes of a bar"
    )
    density: float | None = _number(
        None, 0, MOST_DENSITY, "", "most accompanying strikes a second, 0 for as many as come"
    )
    seconds: bool | None = _other(None, "true or false", "accompany with seconds too")
    accompaniment: bool | None = _other(None, "true or false", "play more than the melody")
    tremolo: bool | None = _other(None, "true or false", "strike long notes of the tune again")
    counterpoint: int | None = _number(
        None, NEVER, WHERE_IT_IS, "", "voices as equals: 0 never, 1 always, 2 where the music is so"
    )


class PlayerTable(Table):
    """[player]: how songs are played unless the command says otherwise."""

    speed: float = _number(_PLAYER.speed, *SPEEDS, "", "factor on the speed of every song")
    volume: float = _number(
        _PLAYER.volume,
        *VOLUMES,
        "",
        "how loud every song is: below 1 the loudest comes down, above 1 the softest comes up",
    )
    roll: bool = _other(
        _PLAYER.roll, "true or false", "roll a chord that the supply cannot drive at once; else drop notes"
    )


class HomeTable(Table):
    """[home]: what is kept of a home."""

    folder: Annotated[str, Field(max_length=4096), AfterValidator(checks.folder)] | None = _other(
        None,
        "text of 1..4096 letters",
        "where songs, lists and what was played are kept; `~` is your home, and a relative one counts from "
        "this file",
    )
    at_start: list[Annotated[str, Field(min_length=1, max_length=4096)]] = _other(
        [],
        "a list of up to 500 songs, lists or folders",
        "what an owner plays when it starts; names of songs, and files, which count from this file",
        max_length=500,
    )
    loop: bool = _other(True, "true or false", "whether an owner plays these again and again")
    resume: bool = _other(
        False,
        "true or false",
        "whether an owner goes on with what played last, where there is something",
    )
    start_volume: float | None = _number(None, 0, 100, "", "volume with which an owner starts")
    most_volume: float = _number(100, 0, 100, "", "volume that nobody passes at an owner")


class SimulationTable(Table):
    """[simulation]: the simulated instrument."""

    seed: int = _number(_SIMULATION.seed, 0, MOST_SEED, "", "which hammers: one seed, one instrument")
    tolerance: float = _number(
        _SIMULATION.tolerance, *TOLERANCES, "", "how much hammers differ; 1 is ordinary, 0 not at all"
    )
    scatter_ms: float = _number(
        _SIMULATION.scatter_time * 1000, 0, 10, "ms", "standard deviation of a strike's time"
    )
    scatter_db: float = _number(_SIMULATION.scatter_level_db, 0, 10, "dB", "standard deviation of its level")
    fuse_ohm: float = _number(
        _SIMULATION.fuse, 0, 100, "ohm", "resistance of the fuse before each coil, 0 for none"
    )


class SavedTable(Table):
    """tune.arrange.toml: what somebody chose about arranging the song that lies beside it."""

    tracks: list[TrackNumber] | None = _other(None, _TRACKS, "only these tracks")
    channels: list[MidiChannel] | None = _other(None, _CHANNELS, "only these channels")
    mute_tracks: list[TrackNumber] | None = _other(None, _TRACKS, "leave these tracks out")
    mute_channels: list[MidiChannel] | None = _other(None, _CHANNELS, "leave these channels out")
    drums: bool | None = _other(None, "true or false", "let drums strike bars too")
    transpose: int | None = _number(None, -127, 127, "semitones", "moved by so much, not by what suits best")
    original_key: bool | None = _other(None, "true or false", "transposed by whole octaves only")
    preset: Annotated[str, _one_of(PRESETS, "preset")] | None = _other(
        None, f"one of {', '.join(PRESETS)}", "bundle of weights"
    )
    octaves: dict[TrackKey, Octave] = _other(
        {}, f"octaves -{MOST_OCTAVES}..{MOST_OCTAVES} by track, such as 2 = -1", "tracks moved by octaves"
    )


class Config(Table):
    """A whole xylophone.toml."""

    instrument: InstrumentTable = InstrumentTable()
    hammers: dict[str, HammerTable] = {}
    backend: BackendTable = BackendTable()
    gpio: GpioTable = GpioTable()
    arrange: ArrangeTable = ArrangeTable()
    player: PlayerTable = PlayerTable()
    home: HomeTable = HomeTable()
    simulation: SimulationTable = SimulationTable()


TABLES: dict[str, type[Table]] = {
    "instrument": InstrumentTable,
    "hammers": HammerTable,
    "backend": BackendTable,
    "gpio": GpioTable,
    "arrange": ArrangeTable,
    "player": PlayerTable,
    "home": HomeTable,
    "simulation": SimulationTable,
}
"""The tables by name; [hammers.NAME] for each hammer."""


def rule_of(table: type[Table], key: str) -> str:
    """Return what a key's value must be, in words."""
    extra = table.model_fields[key].json_schema_extra
    return str(extra["rule"]) if isinstance(extra, dict) else ""
