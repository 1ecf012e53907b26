"""Play a song on the simulated instrument, a little slower, and say what was changed to fit the bars."""

from xylophone import Player, arrange, find_song, load_instrument, load_song, open_backend

instrument = load_instrument("music-box-c")
arrangement = arrange(load_song(find_song("ode_to_joy")), instrument)
for change in arrangement.changes[:5]:
    print(change)

with open_backend("sim:", instrument) as backend:  # "sim:?realtime=1" takes as long as the music
    Player(backend).play(arrangement, speed=0.9).wait()
    print(f"{backend.report().pulses} strikes in {backend.now():.0f} s of the virtual clock")
