"""Configuration: where files are looked for, what `xylophone.toml` may say, and what is in force.

People write `xylophone.toml`; the program writes `calibration.toml` beside it. Without a
configuration file nothing here imports a checking library.
"""

from __future__ import annotations

from .beside import Chosen, Saved, forget_saved, read_saved, saved_place, write_saved
from .places import (
    BACKEND_VARIABLE,
    CONFIG_VARIABLE,
    FILE_NAME,
    Place,
    cache_folder,
    find_calibration,
    find_config,
)
from .settings import Settings, load_instrument, load_settings
from .template import initial_config, write_initial_config
from .values import DEFAULT_BACKEND, ArrangeSettings, PlayerSettings, SimulationSettings

__all__ = [
    "BACKEND_VARIABLE",
    "CONFIG_VARIABLE",
    "DEFAULT_BACKEND",
    "FILE_NAME",
    "ArrangeSettings",
    "Chosen",
    "Place",
    "PlayerSettings",
    "Saved",
    "Settings",
    "SimulationSettings",
    "cache_folder",
    "find_calibration",
    "find_config",
    "forget_saved",
    "initial_config",
    "load_instrument",
    "load_settings",
    "read_saved",
    "saved_place",
    "write_initial_config",
    "write_saved",
]
