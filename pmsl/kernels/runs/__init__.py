"""Runs and maps of pixels: what hangs together, how wide it is, and how far from the vat."""
