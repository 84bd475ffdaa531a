"""Solids to Parts at their places in the field: once, as copies, packed."""
