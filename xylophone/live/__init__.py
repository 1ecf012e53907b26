"""Playing by hand: what comes from MIDI keyboards is struck as it is played."""
