"""Parts beside each other: copies, packed plates, and what overlaps."""
