"""An owner holds the instrument, and programs are its clients: one plays, another one stops everything."""

import os
import subprocess
import sys
import tempfile

from xylophone import OwnerClient, XylophoneError, find_song

SONG = {"path": str(find_song("sakura").resolve())}
SERVE = [sys.executable, "-m", "xylophone", "serve", "--backend", "gpio:null"]

with tempfile.TemporaryDirectory() as folder:
    os.environ["XYLOPHONE_OWNER"] = os.path.join(folder, "owner.sock")  # so that it is nobody else's
    os.environ["XDG_STATE_HOME"] = os.environ["XDG_DATA_HOME"] = folder
    with subprocess.Popen(SERVE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as owner:
        with OwnerClient.connect(wait=20.0) as player, OwnerClient.connect() as guard:
            state = player.do("play", songs=[SONG], volume=60)["state"]
            print("playing", state["song"]["title"], "at volume", state["volume"])
            strikes = next(event for event in guard.follow("ahead") if event["event"] == "ahead")["strikes"]
            print("the first bar to be struck:", player.greeting["bars"][strikes[0][1]])
            print(guard.do("stop", why="the doorbell")["coils"])
            try:
                player.do("resume")
            except XylophoneError as error:
                print(f"the player is told: {error}")
            guard.do("release")
        owner.terminate()
