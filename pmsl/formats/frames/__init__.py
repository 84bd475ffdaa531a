"""Masks to frames as devices and files take them, and back."""
