"""Who is playing: one instrument has one player, and another process finds and ends it."""
