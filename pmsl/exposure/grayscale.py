"""Gray response; lives in `pmsl.optics.grayscale`, where corrections can ask for it too."""

from pmsl.optics.grayscale import levels_of, response

__all__ = ["levels_of", "response"]
