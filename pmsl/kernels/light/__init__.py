"""Light of pixels, dose, and what it prints."""
