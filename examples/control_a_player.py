"""Pause, seek and change the speed while a song plays: on a virtual clock, so that it takes no time."""

from xylophone import Player, VirtualClock, arrange, build_instrument, find_song, load_song, open_backend

clock, instrument = VirtualClock(), build_instrument()
arrangement = arrange(load_song(find_song("petzold_minuet")), instrument)


def tell() -> None:
    """Print where the music is."""
    print(f"{clock.now():5.1f} s: {player.state}, {player.position:5.2f} s of the song")


with open_backend("sim:", instrument, clock) as backend:
    player = Player(backend)
    clock.at(5.0, player.pause)
    clock.at(60.0, player.resume)
    clock.at(65.0, lambda: player.seek(30.0))
    clock.at(70.0, lambda: player.set_speed(2.0))
    for moment in (4.0, 30.0, 66.0, 71.0):
        clock.at(moment, tell)
    player.play(arrangement).wait()
