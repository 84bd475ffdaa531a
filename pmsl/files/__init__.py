"""Files that people write or name: what they are, read whole, replaced only where that was asked for."""
