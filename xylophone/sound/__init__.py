"""Sound: the modes of the bars, what blows on them sound like, and WAV files."""
