"""Arrange a song for fifteen white bars, say in words what was done, and write what is played as MIDI."""

from xylophone import (
    arrange,
    as_song,
    build_instrument,
    describe,
    find_song,
    judge,
    load_song,
    preset,
    write_song,
)

song, instrument = load_song(find_song("william_tell")), build_instrument("diatonic-15")
for name in ("faithful", "polyphonic", "music-box", "solo", "virtuoso"):
    arrangement = arrange(song, instrument, weights=preset(name))
    print(f"{name}: {judge(arrangement).score} of 100, {len(arrangement)} strikes")
    for phrase in describe(arrangement):
        print(f"    {phrase}")
    write_song(f"william_tell-{name}.mid", as_song(arrangement))
