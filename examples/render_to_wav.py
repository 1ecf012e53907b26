"""Render a song as the simulated hammers strike it: a 48 kHz stereo WAV file and a picture."""

from xylophone import arrange, build_instrument, find_song, load_song, plot, render, simulate, write_wav

instrument = build_instrument("glockenspiel")
performance = simulate(arrange(load_song(find_song("sakura")), instrument))
write_wav("sakura.wav", render(performance.hits, instrument))
plot(performance, "sakura.svg")
print(f"heard {performance.summary()['heard']} strikes; wrote sakura.wav and sakura.svg")
