"""The OME-XML of a stack (schema 2016-06): sizes, µm, exposure time and height of every plane, and our own notes as an annotation."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from xml.parsers import expat

import msgspec

from pmsl.errors import JobError
from pmsl.formats.image_stack_notes import StackDoc

NAMESPACE = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
SCHEMA = f"{NAMESPACE} {NAMESPACE}/ome.xsd"
OURS = "pmsl.stack"  # name space of the annotation
LONGEST = 1 << 28  # bytes of XML that are looked at


def ome_xml(doc: StackDoc, frame_shape: tuple[int, int], z_top_um: Sequence[float], layer_um: float | None, dose: bool) -> bytes:
    """Return the XML.

    Parameters
    ----------
    doc : StackDoc
    frame_shape : (int, int)
        (rows, cols).
    z_top_um : sequence of float
        From the plate to the exposure plane of every layer [µm].
    layer_um : float or None
        The common layer height [µm]; None where layers differ, so that only the planes say where they are.
    dose : bool
        Whether dose maps follow the masks, as a second image.
    """
    root = ET.Element("OME", {"xmlns": NAMESPACE, "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance"})
    root.set("xsi:schemaLocation", SCHEMA)
    root.set("Creator", "pmsl")
    _image(root, 0, "masks", "uint8", doc, frame_shape, layer_um, z_top_um)
    if dose:
        _image(root, 1, "dose [mJ/cm2]", "float", doc, frame_shape, layer_um, z_top_um)
    notes = ET.SubElement(root, "StructuredAnnotations")
    annotation = ET.SubElement(notes, "CommentAnnotation", {"ID": "Annotation:0", "Namespace": OURS})
    ET.SubElement(annotation, "Value").text = msgspec.json.encode(doc).decode()
    body: bytes = ET.tostring(root, "utf-8", xml_declaration=True)
    return body


def _image(
    root: ET.Element,
    number: int,
    name: str,
    kind: str,
    doc: StackDoc,
    frame_shape: tuple[int, int],
    layer_um: float | None,
    z_top_um: Sequence[float],
) -> None:
    """Add one image: n planes, whose pages follow each other from page ``number * n``."""
    n = len(doc.shots)
    along = doc.pitch_um if doc.row[1] == "y" else doc.pitch_um[::-1]
    image = ET.SubElement(root, "Image", {"ID": f"Image:{number}", "Name": name})
    sizes = {"SizeX": frame_shape[1], "SizeY": frame_shape[0], "SizeZ": n, "SizeC": 1, "SizeT": 1}
    steps = {"X": along[0], "Y": along[1]} | ({} if layer_um is None else {"Z": layer_um})
    pixels = ET.SubElement(image, "Pixels", {"ID": f"Pixels:{number}", "DimensionOrder": "XYZCT", "Type": kind})
    for field, value in {**sizes, **{f"PhysicalSize{axis}": step for axis, step in steps.items()}}.items():
        pixels.set(field, repr(value))
    for axis in steps:
        pixels.set(f"PhysicalSize{axis}Unit", "µm")
    ET.SubElement(pixels, "Channel", {"ID": f"Channel:{number}:0", "SamplesPerPixel": "1"})
    ET.SubElement(pixels, "TiffData", {"IFD": str(number * n), "PlaneCount": str(n)})
    for k, (shot, z) in enumerate(zip(doc.shots, z_top_um, strict=True)):
        time_s = 0.0 if shot is None else shot.time_s * shot.repeat
        plane = {"TheZ": str(k), "TheC": "0", "TheT": "0", "ExposureTime": repr(time_s), "ExposureTimeUnit": "s"}
        ET.SubElement(pixels, "Plane", {**plane, "PositionZ": repr(float(z)), "PositionZUnit": "µm"})


def notes_of(xml: bytes, where: str) -> bytes | None:
    """Return our annotation in the OME-XML of a file, or None where there is none.

    Raises
    ------
    JobError
        Not XML, or XML that defines entities of its own.
    """
    if len(xml) > LONGEST:
        raise JobError(f"{where}: its OME-XML has {len(xml)} bytes, the limit is {LONGEST}; the file is not to be trusted")
    found = _Finder()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = found.start, found.end, found.text

    def refuse(*_: object) -> None:
        raise JobError(f"{where}: its OME-XML defines entities; the file is not to be trusted")

    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(xml, True)
    except expat.ExpatError as err:
        raise JobError(f"{where}: its OME-XML cannot be read ({err}); the file is damaged, copy or slice it again") from err
    return "".join(found.parts).encode() if found.parts else None


class _Finder:
    """Collects the text of the value of our annotation."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self._ours = self._inside = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Note that an element begins."""
        name = name.rpartition(" ")[2]
        if name == "CommentAnnotation":
            self._ours = attributes.get("Namespace") == OURS
        self._inside = self._ours and name == "Value"

    def end(self, name: str) -> None:
        """Note that an element ends."""
        self._inside = False

    def text(self, text: str) -> None:
        """Take text."""
        if self._inside:
            self.parts.append(text)
