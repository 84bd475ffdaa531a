"""Grays of corrections: which pixels count, and what their light has to be."""
