"""Backends: what delivers pulses to hammers, chosen by a URL."""
