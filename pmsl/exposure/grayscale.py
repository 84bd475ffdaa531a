"""Gray response as exposures use it; its home is the optics room, where corrections may look at it too."""

from pmsl.optics.grayscale import SLACK, WHITE, fine_levels_of, levels_of, light_of_levels, response

__all__ = ["SLACK", "WHITE", "fine_levels_of", "levels_of", "light_of_levels", "response"]
