"""Run the command line with `python -m xylophone`."""

from xylophone.cli import main

main()
