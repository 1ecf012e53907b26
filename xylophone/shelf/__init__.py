"""The shelf: what a home knows of its songs: favourites, moods, lists, what was played when."""
