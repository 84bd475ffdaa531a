"""Folders and zips that are complete or absent; what a file may cost its reader."""
