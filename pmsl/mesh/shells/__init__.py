"""Shells of a mesh: which there are, which look inward, where they pass through one another, and their union."""
