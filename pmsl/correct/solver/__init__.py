"""Gray levels of a layer that bring its walls and faces where they belong."""
