"""Which instrument suits a song best: notes that are kept, folded and dropped on every layout."""

from xylophone import LAYOUTS, arrange, build_instrument, find_song, load_song

song = load_song(find_song("maple_leaf_rag"))
print(f"{song.title}: {len(song)} notes")
for layout in LAYOUTS:
    fitted = arrange(song, build_instrument(layout))
    dropped = sum(fitted.dropped.values())
    print(
        f"{layout:21} {fitted.transpose:+3} kept {fitted.kept:4} folded {fitted.folded:4} dropped {dropped:4}"
    )
