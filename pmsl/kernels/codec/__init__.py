"""Runs of frames to bytes of files, and back."""
