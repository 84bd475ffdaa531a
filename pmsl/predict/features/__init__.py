"""What of the design is lost: features, channels, voids and where they open."""
