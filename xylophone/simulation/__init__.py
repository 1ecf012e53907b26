"""The digital twin: hammers that behave by physics, and the bars that they strike."""
