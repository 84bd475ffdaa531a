"""Values and their uncertainty from measurements: lines, curves, surfaces, and what the data cannot tell."""
