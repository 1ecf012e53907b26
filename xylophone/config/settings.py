"""What is in force: instrument, files, backend, options, and where each of them came from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl

from ..errors import ConfigError, FileError
from ..instrument import DEFAULT_LAYOUT, LAYOUTS, Instrument, build_instrument
from ..wiring import Wiring
from ..words import counted
from .places import (
    BACKEND_VARIABLE,
    CONFIG_VARIABLE,
    WORKING,
    Place,
    calibration_home,
    check_found_links,
    check_found_url,
    find_calibration,
    find_config,
    home_folder,
    user_folder,
)
from .values import DEFAULT_BACKEND, ArrangeSettings, HomeSettings, PlayerSettings, SimulationSettings

if TYPE_CHECKING:
    from .schema import Config

DEFAULT = "default"


def _usual_home() -> HomeSettings:
    return HomeSettings(home_folder(None, None, os.environ))


@dataclass(frozen=True)
class Settings:
    """Everything that a command needs to know before it starts.

    `calibration` is None for the default of the hammer kind; `calibration_home` is where tuning
    writes. `sources` says in words where config, instrument, calibration, backend, arrange, player,
    home and simulation came from.
    """

    instrument: Instrument
    config: Path | None = None
    calibration: Path | None = None
    calibration_home: Path | None = None
    backend: str = DEFAULT_BACKEND
    wiring: Wiring = field(default_factory=Wiring)
    arrange: ArrangeSettings = field(default_factory=ArrangeSettings)
    player: PlayerSettings = field(default_factory=PlayerSettings)
    simulation: SimulationSettings = field(default_factory=SimulationSettings)
    home: HomeSettings = field(default_factory=_usual_home)
    sources: Mapping[str, str] = field(default_factory=dict)

    def check_links(self) -> None:
        """Raise FileError where a link stands for what tuning writes, beside a file that nobody named."""
        if self.config is not None and self.sources.get("config") == WORKING:
            check_found_links(self.config.parent)

    def lines(self) -> list[tuple[str, str]]:
        """Return what is in force as pairs of a name and a line for people."""
        rolled = "chords may be rolled" if self.player.roll else "chords are never rolled"
        untuned = f"default curves of {self.instrument.kind.name}"
        if self.backend.startswith("sim:"):
            untuned = "simulated hammers are measured on their bench"
        kept = {
            "config": str(self.config or "none"),
            "calibration": str(self.calibration or untuned),
            "backend": self.backend,
            "arrange": ", ".join([f"preset {self.arrange.preset}", *_changed(self.arrange)]),
            "home": ", ".join([str(self.home.folder), *_begins(self.home)]),
            "player": f"speed {self.player.speed:g}, volume {self.player.volume:g}, {rolled}",
            "simulation": f"seed {self.simulation.seed}, tolerance {self.simulation.tolerance:g}, "
            f"scatter {self.simulation.scatter_time * 1000:g} ms and {self.simulation.scatter_level_db:g} dB",
        }
        return [(name, f"{text} ({self.sources.get(name, DEFAULT)})") for name, text in kept.items()]

    def as_dict(self) -> dict[str, Any]:
        """Return what is in force for JSON; times in seconds, None for what there is not."""
        bars = self.instrument.hammers
        return {
            "instrument": self.instrument.name,
            "kind": self.instrument.kind.name,
            "bars": [hammer.name for hammer in bars],
            "lowest": bars[0].pitch,
            "highest": bars[-1].pitch,
            "supply_limit": self.instrument.supply_limit,
            "largest_chord": self.instrument.largest_chord,
            "config": None if self.config is None else str(self.config),
            "calibration": None if self.calibration is None else str(self.calibration),
            "backend": self.backend,
            "arrange": {"preset": self.arrange.preset, "weights": asdict(self.arrange.weights)},
            "home": asdict(self.home) | {"folder": str(self.home.folder)},
            "player": asdict(self.player),
            "simulation": asdict(self.simulation),
            "sources": dict(self.sources),
        }


def load_settings(
    config: Path | None = None,
    *,
    layout: str | None = None,
    calibration: Path | None = None,
    backend: str | None = None,
    environ: Mapping[str, str] | None = None,
    working: Path | None = None,
    user: Path | None = None,
) -> Settings:
    """Return what is in force, from options, environment and files (docs/configuration.md).

    `layout` takes the place of the configured bars, to which the calibration found by itself belongs: then
    the default is used unless `calibration` names a file. `environ`, `working` (folder) and `user` (folder of
    the user's configuration) are the machine's unless given. ConfigError, InstrumentError or FileError.
    """
    environ = os.environ if environ is None else environ
    user = user or user_folder(environ)
    read = _read(find_config(config, environ, working or Path(), user))
    place = read.place if read else None
    url, source = _backend(backend, environ, read)
    tuned = find_calibration(calibration, place, user, url) if calibration or layout is None else None
    return Settings(
        config=place.path if place else None,
        calibration=tuned.path if tuned else None,
        calibration_home=calibration_home(place, user, url),
        backend=url,
        sources=_sources(read, layout, source, tuned),
        **_parts(read, layout, environ),
    )


def load_instrument(which: str | Path | None = None) -> Instrument:
    """Return the instrument of a configuration file, of a layout's name or, for None, the one in force.

    Raises InstrumentError for an unknown layout, ConfigError and FileError for a file.

    >>> instrument = load_instrument("music-box-c")
    >>> len(instrument), instrument.hammers[0].name
    (30, 'C3')
    """
    if which is None:
        return load_settings().instrument
    path = Path(which)
    if str(which) in LAYOUTS or not (path.suffix or len(path.parts) > 1 or os.path.exists(path)):
        return build_instrument(str(which))
    return load_settings(path).instrument


class _Read(NamedTuple):
    """A configuration that was read, and what led to its file."""

    place: Place
    config: Config


def _read(place: Place | None) -> _Read | None:
    if place is None:
        return None
    from .building import read_config

    if place.source == CONFIG_VARIABLE and not os.path.exists(place.path):
        raise FileError(
            f"{CONFIG_VARIABLE} names {place.path}, which is not there: mend the variable or unset it"
        )
    return _Read(place, read_config(place.path))


def _instrument(read: _Read | None, layout: str | None) -> Instrument:
    if read is None or (layout is not None and layout not in LAYOUTS):
        return build_instrument(DEFAULT_LAYOUT if layout is None else layout)  # no file in its message
    from .building import configured_instrument

    return configured_instrument(read.place.path, read.config, layout)


def _backend(option: str | None, environ: Mapping[str, str], read: _Read | None) -> tuple[str, str]:
    """Return the backend's URL and where it came from: option, environment, configuration, simulation."""
    if option is not None:
        return option, "--backend"
    if named := environ.get(BACKEND_VARIABLE):
        return _harmless(named, BACKEND_VARIABLE)
    if read is not None and read.config.backend.model_fields_set:
        url = read.config.backend.url
        check_found_url(url, read.place)
        return _harmless(url, str(read.place.path))
    return DEFAULT_BACKEND, DEFAULT


def _harmless(url: str, source: str) -> tuple[str, str]:
    """Return a backend's URL and where it came from; ConfigError where it would write a file unasked."""
    if "trace" in dict(parse_qsl(url.partition("?")[2], keep_blank_values=True)):
        raise ConfigError(f"{source}: backend {url!r} would write a file: give trace= on the command line")
    return url, source


def _sources(read: _Read | None, layout: str | None, backend: str, tuned: Place | None) -> dict[str, str]:
    """Return where each part of the settings came from: of a table the file, when it sets one of its keys."""
    told = {"backend": backend, "calibration": tuned.source if tuned else DEFAULT}
    for name in ("instrument", "arrange", "home", "player", "simulation"):
        said = read and getattr(read.config, name).model_fields_set
        if name == "instrument":
            said = said or (read and read.config.hammers)
        told[name] = str(read.place.path) if read and said else DEFAULT
    if layout:
        told["instrument"] = "--instrument"
    return told | {"config": read.place.source if read else "no file found"}


def _parts(read: _Read | None, layout: str | None, environ: Mapping[str, str]) -> dict[str, Any]:
    """Return instrument and what the other tables say, as fields of Settings."""
    instrument = _instrument(read, layout)
    if read is None:
        return {"instrument": instrument, "home": HomeSettings(home_folder(None, None, environ))}
    config, simulation = read.config, read.config.simulation
    try:
        wiring = config.gpio.wiring
    except ConfigError as error:
        from .building import refused

        raise refused(read.place.path, ("gpio",), error) from error
    weights = config.arrange.model_dump(exclude={"preset"}, exclude_none=True)
    return {
        "instrument": instrument,
        "wiring": wiring,
        "arrange": ArrangeSettings(config.arrange.preset, weights),
        "home": _home(read, environ),
        "player": PlayerSettings(**config.player.model_dump()),
        "simulation": SimulationSettings(
            seed=simulation.seed,
            tolerance=simulation.tolerance,
            scatter_time=simulation.scatter_ms / 1000,
            scatter_level_db=simulation.scatter_db,
            fuse=simulation.fuse_ohm,
        ),
    }


def _begins(home: HomeSettings) -> list[str]:
    """Return what an owner does otherwise than usual."""
    songs = [f"begins with {counted(len(home.at_start), 'song')}"] if home.at_start else []
    resumes = ["goes on with what was playing last"] if home.resume else []
    return [*songs, *resumes, *([f"volume at most {home.most_volume:g}"] if home.most_volume < 100 else [])]


def _home(read: _Read, environ: Mapping[str, str]) -> HomeSettings:
    said = read.config.home.model_dump(exclude={"folder", "at_start"})
    beside = read.place.path.parent
    songs = [str(beside / name) if (beside / name).exists() else name for name in read.config.home.at_start]
    return HomeSettings(home_folder(read.config.home.folder, read.place, environ), tuple(songs), **said)


def _changed(arrange: ArrangeSettings) -> list[str]:
    """Return the weights in place of the preset's as 'cramped 2', 'tremolo true'."""
    return [
        f"{name} {str(value).lower() if isinstance(value, bool) else f'{value:g}'}"
        for name, value in arrange.changed.items()
    ]
