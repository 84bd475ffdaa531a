"""The native job, folder and zip, as a format among others."""

from formats.conformance import Conformance


class TestFolder(Conformance):
    name = "native"


class TestZip(Conformance):
    name = "native"
    suffix = ".zip"
