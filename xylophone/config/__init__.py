"""Configuration: where files are looked for, what `xylophone.toml` may say, and what is in force.

People write `xylophone.toml`; the program writes `calibration.toml` beside it. Without a
configuration file nothing here imports a checking library.
"""

from __future__ import annotations

from .beside import Chosen, Saved, forget_saved, make_place, read_saved, saved_place, write_saved
from .places import cache_folder
from .settings import Settings, load_instrument, load_settings
from .template import initial_config, write_initial_config
from .values import DEFAULT_BACKEND, ArrangeSettings, PlayerSettings, SimulationSettings

__all__ = [
    "DEFAULT_BACKEND",
    "ArrangeSettings",
    "Chosen",
    "PlayerSettings",
    "Saved",
    "Settings",
    "SimulationSettings",
    "cache_folder",
    "forget_saved",
    "initial_config",
    "load_instrument",
    "load_settings",
    "make_place",
    "read_saved",
    "saved_place",
    "write_initial_config",
    "write_saved",
]
