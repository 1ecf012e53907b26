"""Collections of songs: those that come along, and folders of a user, scored, found again and told apart."""
