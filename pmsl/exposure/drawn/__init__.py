"""Light of drawn layers: power and speed of every kind of line, and how far outlines move inward."""
