"""The kind ``seams``: verniers across the seams of fields, and the errors of the xy stage that they tell."""
