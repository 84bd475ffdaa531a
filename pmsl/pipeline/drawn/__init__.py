"""Jobs that a laser draws."""
