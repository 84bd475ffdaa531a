"""Parts as the picture must have them for the plate to get them as they are, where optics distort."""
