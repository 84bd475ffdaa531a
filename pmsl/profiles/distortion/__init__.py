"""Distortion of a printer's optics: its table, and the map from where a picture has a point to where it lands on the plate."""
