"""Standard MIDI Files become songs: `load_song` from a path, `parse_song` from bytes.

The file is cut into chunks (`chunks`), its tracks are unrolled onto one tape of plain channel
messages (`tape`), which numpy decodes at once (`decoding`); strikes find their ends there too, and
their loudness in `channels`, and ticks become seconds (`tempo`).
"""

from __future__ import annotations

from .reading import MOST_SONG_BYTES, load_song, parse_song

__all__ = ["MOST_SONG_BYTES", "load_song", "parse_song"]
