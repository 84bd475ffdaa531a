"""Loops over triangles."""
