"""The machine's sound card: what is simulated is heard through it, and what is played is listened to."""
