"""The board's firmware on this machine: the image that ships, and the tools that build and write it."""
