"""Grids, masks, contours, runs, findings: a file each. Lengths µm, time s, irradiance mW/cm², dose mJ/cm²."""
