"""Two jobs held against each other: what changed in light, times, motion and profiles."""
