"""What every picture of a layer carries: text that wraps, a scale bar, the directions of x and y, a legend."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

from PIL import Image, ImageDraw, ImageFont

from pmsl.profiles.printer import Orientation

Colour = int | tuple[int, int, int]
TEXT_PX = 14
LINE_PX = 20
MICRO = "µ"
STEPS = (1, 2, 5)
AXES_PX = 54  # width of the directions


@cache
def font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return the font of all pictures."""
    return ImageFont.load_default(size=TEXT_PX)


def text_width(text: str) -> float:
    """Return how wide a line of text is [pixels of the picture]."""
    return font().getlength(text.replace(MICRO, "u"))


def write_text(draw: ImageDraw.ImageDraw, x: int, y: int, text: str, ink: Colour) -> None:
    """Write a line of text from its upper left corner; the font has no µ, so it is a u with a stem.

    Parameters
    ----------
    draw : PIL.ImageDraw.ImageDraw
    x, y : int
        [pixels of the picture]
    text : str
    ink : int or tuple of int
    """
    draw.text((x, y), text.replace(MICRO, "u"), fill=ink, font=font())
    for i, letter in enumerate(text):
        if letter == MICRO:
            left = x + round(text_width(text[:i])) + 1
            _, top, _, bottom = draw.textbbox((x, y), "u", font=font())
            draw.line((left, int(top) + 1, left, int(bottom) + 2), fill=ink)


def wrapped(text: str, width_px: int) -> list[str]:
    """Break text into lines that fit a width; a word longer than a line is broken as well.

    Parameters
    ----------
    text : str
    width_px : int
        [pixels of the picture]
    """
    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if text_width(joined) <= width_px:
            lines[-1] = joined
            continue
        lines.append("")
        for letter in word:
            if lines[-1] and text_width(lines[-1] + letter) > width_px:
                lines.append("")
            lines[-1] += letter
    return [line for line in lines if line] or [""]


def write_lines(image: Image.Image, x: int, y: int, lines: Sequence[str], ink: Colour) -> None:
    """Write lines of text below each other, from an upper left corner."""
    for i, line in enumerate(lines):
        write_text(ImageDraw.Draw(image), x, y + i * LINE_PX, line, ink)


def round_length_um(most_um: float) -> float:
    """Return the largest of 1, 2, 5 times a power of ten that is not above a length [µm]."""
    power = 10.0 ** math.floor(math.log10(most_um))
    return max((step * power for step in STEPS if step * power <= most_um * (1 + 1e-9)), default=power)


def length_text(length_um: float) -> str:
    """Write a length, mm from 1 mm on."""
    return f"{length_um / 1000:g} mm" if length_um >= 1000 else f"{length_um:g} µm"


def draw_scale_bar(image: Image.Image, x: int, y: int, um_per_px: float, most_px: int, ink: Colour) -> int:
    """Draw a bar of a round length with its length beside it; return the width of both.

    Parameters
    ----------
    image : PIL.Image.Image
    x, y : int
        Upper left corner, in a line of text [pixels of the picture].
    um_per_px : float
        Scale of the picture.
    most_px : int
        Longest bar.
    ink : int or tuple of int
    """
    length = round_length_um(most_px * um_per_px)
    width, middle, draw = round(length / um_per_px), y + LINE_PX // 2, ImageDraw.Draw(image)
    draw.rectangle((x, middle - 1, x + width - 1, middle + 1), fill=ink)
    for end in (x, x + width - 1):
        draw.line((end, middle - 4, end, middle + 4), fill=ink)
    text = length_text(length)
    write_text(draw, x + width + 6, y, text, ink)
    return width + 6 + round(text_width(text))


def draw_axes(image: Image.Image, x: int, y: int, right: str, down: str, ink: Colour) -> None:
    """Draw where the axes point, in a line of text: to the right and, beside it, up or down.

    Parameters
    ----------
    image : PIL.Image.Image
    x, y : int
        Upper left corner [pixels of the picture].
    right, down : str
        What grows to the right and downward, as ``+x`` and ``-y``.
    ink : int or tuple of int
    """
    draw, middle = ImageDraw.Draw(image), y + LINE_PX // 2
    draw.text((x + 4, y), right[1], fill=ink, font=font())
    _arrow(draw, (x + 14, middle), (x + 24, middle) if right[0] == "+" else (x + 24, middle), right[0] == "-", ink)
    draw.text((x + 32, y), down[1], fill=ink, font=font())
    _arrow(draw, (x + 46, middle - 6), (x + 46, middle + 6), down[0] == "-", ink)


def draw_directions(image: Image.Image, x: int, y: int, orientation: Orientation, ink: Colour) -> None:
    """Draw where x and y point in a frame of an orientation; see `draw_axes`."""
    draw_axes(image, x, y, orientation.col, orientation.row, ink)


def _arrow(draw: ImageDraw.ImageDraw, begin: tuple[int, int], end: tuple[int, int], back: bool, ink: Colour) -> None:
    """Draw an arrow along an axis of the picture."""
    tail, head = (end, begin) if back else (begin, end)
    draw.line((*tail, *head), fill=ink)
    dx, dy = ((head[i] > tail[i]) - (head[i] < tail[i]) for i in range(2))
    side = (dy, dx)
    wings = [(head[0] - 4 * dx + 3 * s * side[0], head[1] - 4 * dy + 3 * s * side[1]) for s in (-1, 1)]
    draw.polygon([head, *wings], fill=ink)


def draw_legend(image: Image.Image, x: int, y: int, entries: Sequence[tuple[Colour, str]], ink: Colour, edge: Colour) -> None:
    """Draw colours and what they mean, in a line of text."""
    draw = ImageDraw.Draw(image)
    for colour, text in entries:
        draw.rectangle((x, y + 4, x + 12, y + LINE_PX - 5), fill=colour, outline=edge)
        write_text(draw, x + 18, y, text, ink)
        x += 18 + round(text_width(text)) + 14
