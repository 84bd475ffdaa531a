"""What a person says of the panel that a file's frames are for, where the file does not: pixel pitch, size, how frames lie."""

from __future__ import annotations

from dataclasses import dataclass

from pmsl.core.grid import size_text
from pmsl.errors import JobError, UsageError
from pmsl.formats.frames.device_frame import frame_shape
from pmsl.profiles.printer import Orientation, Printer

PITCH_SLACK = 1e-6  # of it: what two statements of the same pitch may differ by


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """The panel of a file's frames; what is None nobody said.

    Attributes
    ----------
    pitch_um : (float, float), optional
        Pixel pitch (x, y) at the image plane [µm].
    frame : (int, int), optional
        (rows, cols) of a frame; where `orientation` is None, of one that is not turned.
    orientation : Orientation, optional
        How frames lie.
    source : str
        Who says it, for messages and profiles.
    """

    pitch_um: tuple[float, float] | None = None
    frame: tuple[int, int] | None = None
    orientation: Orientation | None = None
    source: str

    @classmethod
    def of(cls, printer: Printer | None, pitch_um: tuple[float, float] | None, field: tuple[int, int] | None) -> Panel | None:
        """Return the panel of a printer, another pitch or another field (rows, cols) put in; None where all three are None."""
        if printer is None and pitch_um is None and field is None:
            return None
        words = [] if printer is None else [f"printer {printer.name}"]
        words += [] if pitch_um is None else ["--pitch-um"]
        words += [] if field is None else ["--field"]
        if printer is None:
            return cls(pitch_um=pitch_um, frame=field, source=", ".join(words))
        turn = printer.turn
        return cls(
            pitch_um=pitch_um or printer.optics.pitch_um.value,
            frame=frame_shape(printer.field_px if field is None else field, turn),
            orientation=turn,
            source=", ".join(words),
        )

    @property
    def field(self) -> tuple[int, int] | None:
        """(rows, cols) of the field, whose frames may be turned."""
        return self.frame if self.frame is None or self.orientation is None else frame_shape(self.frame, self.orientation)

    def pitch_for(
        self, frame: tuple[int, int], stated_um: tuple[float, float] | None, where: str, turn: Orientation | None = None
    ) -> tuple[float, float] | None:
        """Return the pitch of a file's frames of (rows, cols), turned by `turn`: as the file states it, else as this panel has it.

        Raises
        ------
        UsageError
            Frames of another size than this panel's, or a pitch that the file states otherwise.
        """
        size, own = (frame, self.frame) if turn is None else (frame_shape(frame, turn), self.field)
        if own is not None and own != size:
            what = "frames are" if turn is None else "the field is"
            sizes = f"{size_text(size)} px, {self.source} says {size_text(own)}"
            raise UsageError(f"{where}: {what} {sizes}; give the printer the file was made for")
        if stated_um is None or self.pitch_um is None:
            return stated_um or self.pitch_um
        if any(abs(own / other - 1) > PITCH_SLACK for own, other in zip(self.pitch_um, stated_um, strict=True)):
            raise UsageError(
                f"{where}: the file states a pixel pitch of {stated_um[0]:g} × {stated_um[1]:g} µm, {self.source} says "
                f"{self.pitch_um[0]:g} × {self.pitch_um[1]:g} µm; leave the option out, or give the printer the file was made for"
            )
        return stated_um


def known_pitch(
    panel: Panel | None, frame: tuple[int, int], stated_um: tuple[float, float] | None, where: str, turn: Orientation | None = None
) -> tuple[float, float]:
    """Return the pitch of a file's frames as `Panel.pitch_for`; raises `JobError` where neither the file nor `panel` says it."""
    pitch = stated_um if panel is None else panel.pitch_for(frame, stated_um, where, turn)
    if pitch is None:
        field = size_text(frame if turn is None else frame_shape(frame, turn))
        raise JobError(
            f"{where}: the file does not say how large its pixels are, and names no printer whose panel is known; say it with --printer P, "
            f"or with --pitch-um P and --field {field}"
        )
    return pitch
