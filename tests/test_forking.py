"""A fork of the program is a process like any other."""

from __future__ import annotations

import signal
from pathlib import Path
from subprocess import PIPE, STDOUT

import forking

TELL = """
import os, sys
print(*sys.argv[1:], os.getcwd(), sorted(os.environ), sep="|", flush=True)
print("last words", file=sys.stderr)
sys.exit(7)
"""


def test_it_has_its_own_words_folder_variables_streams_and_exit_code(tmp_path: Path) -> None:
    ran = forking.run(["-c", TELL, "a", "b c"], env={"X": "y"}, cwd=tmp_path, capture_output=True, text=True)
    assert ran.stdout == f"a|b c|{tmp_path}|['X']\n"
    assert (ran.stderr, ran.returncode) == ("last words\n", 7)


def test_it_is_a_process_that_signals_reach_and_end(tmp_path: Path) -> None:
    wait = "import signal; print('here', flush=True); signal.pause()"
    with forking.Fork(["-c", wait], env={}, stdout=PIPE, stderr=STDOUT, text=True) as fork:
        assert fork.stdout is not None
        assert fork.stdout.readline() == "here\n"
        assert fork.poll() is None
        assert Path(f"/proc/{fork.pid}").exists()
        fork.send_signal(signal.SIGINT)
        assert "KeyboardInterrupt" in fork.stdout.read()
    assert fork.returncode == -signal.SIGINT
    with forking.Fork(["-c", wait], env={}, stdout=PIPE) as fork:
        fork.kill()
    assert fork.returncode == -signal.SIGKILL
