"""Standard MIDI Files: read, as far as they can be read, into a Song.

Formats 0, 1 and 2, in ticks or SMPTE frames, bare or in RIFF (RMID). What is damaged is named in
`Song.warnings`, and what can be read is kept. Ticks end here: a Song is in seconds.
"""

from __future__ import annotations

from .reading import load_song, parse_song

__all__ = ["load_song", "parse_song"]
