"""What every MIDI file of a folder becomes on a music box; without a folder, the project's own songs."""

import sys
from pathlib import Path

from xylophone import XylophoneError, arrange, build_instrument, find_song, load_song

instrument = build_instrument("music-box-c")
folder = Path(sys.argv[1]) if len(sys.argv) > 1 else find_song("greensleeves").parent
for path in sorted(folder.glob("*.mid")):
    try:
        fitted = arrange(load_song(path), instrument)
    except XylophoneError as error:  # no MIDI file, whatever its name says
        print(f"{path.stem:26} {error}")
        continue
    struck = (fitted.kept + fitted.folded) / max(1, len(fitted.song))
    print(f"{path.stem:26} {fitted.transpose:+3} semitones, {struck:4.0%} struck, {fitted.folded:4} folded")
