"""OME-TIFF (BigTIFF where large): masks, and dose maps where asked for, for Fiji, napari and Python; our notes make it a job again.

ome_xml  OME-XML, our notes in an annotation
write    PrintJob → file
read     file → PrintJob
"""

from __future__ import annotations

from pathlib import Path

from pmsl.errors import JobError
from pmsl.formats import image_stack_notes
from pmsl.formats.adapt import adapt
from pmsl.formats.container import atomic_write, layer_writer
from pmsl.formats.protocol import FileSignature, VerifyOptions, WriteOptions, Written
from pmsl.job.print_job import PrintJob

HOW = "every plane says its PositionZ, the image no step in z"
MARKS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


class OmeTiff:
    """One 8-bit page a layer, then one float32 page a layer [mJ/cm²]."""

    name = "ome-tiff"
    suffixes = (".tif", ".tiff")
    capability = image_stack_notes.CAPABILITY

    def recognises(self, seen: FileSignature) -> bool:
        """Tell by the mark of a TIFF, any TIFF."""
        return seen.head[:4] in MARKS

    def foreign(self, path: Path) -> str:
        """Let stacks that pmsl wrote be replaced, no other TIFF."""
        from pmsl.formats.ometiff.read import Pages

        try:
            return atomic_write.other_format(path, self) or ("" if Pages(path) else "it is empty")
        except JobError:
            return "it is a TIFF pmsl did not write"

    def write(self, job: PrintJob, path: Path, options: WriteOptions) -> Written:
        """Write the job, complete or absent."""
        from pmsl.formats.ometiff.write import write_draft

        fitted = image_stack_notes.say_heights(adapt.fit(job, self.capability, self.name, options), HOW)
        with atomic_write.whole_or_absent(path, options.force, folder=False, foreign=self.foreign) as draft:
            return write_draft(fitted, draft, options)

    def read(self, path: Path) -> PrintJob:
        """Read a stack that pmsl wrote."""
        from pmsl.formats.ometiff.read import read

        return read(path)

    def verify(self, path: Path, options: VerifyOptions) -> list[str]:
        """Inflate every page; doses must be finite, none negative, none where the mask is black."""
        from pmsl.formats.ometiff.read import Pages, read

        pages = Pages(path)
        look = image_stack_notes.dose_check(pages.dose_bands, pages.mask_bands, str(path)) if pages.n_dose else None
        return list(layer_writer.problems(read(path), options, look))


FORMAT = OmeTiff()
