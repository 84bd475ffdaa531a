"""A job made one that a format can hold: what it can, what it cannot, what is lost."""
