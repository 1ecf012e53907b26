"""Render a song as the simulated hammers strike it: a 48 kHz stereo WAV file and a picture."""

from xylophone import arrange, build_instrument, find_song, load_song, plot, simulate, write_wav
from xylophone import render as render_hits

instrument = build_instrument("glockenspiel")
performance = simulate(arrange(load_song(find_song("sakura")), instrument))
write_wav("sakura.wav", render_hits(performance.hits, instrument))
plot(performance, "sakura.svg")
print(f"heard {performance.summary()['heard']} strikes; wrote sakura.wav and sakura.svg")
