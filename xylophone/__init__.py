"""A self-playing mechanical xylophone: MIDI files become timed strikes of solenoid hammers."""
