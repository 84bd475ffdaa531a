"""Printers of the library that expose at a resin's wavelength."""

import msgspec

import pmsl
from pmsl.profiles.tables.strict_struct import Value


def printer_for(resin, name="dlp-27um"):
    """The printer of that name, exposing at the wavelength the resin was measured at."""
    printer = pmsl.find_printer(name)
    wavelength = Value(value=resin.resin.wavelength_nm.value, class_="measured", source="test")
    return msgspec.structs.replace(printer, optics=msgspec.structs.replace(printer.optics, wavelength_nm=wavelength))
