"""Machine, material and process as strict, versioned TOML; each physical value says where it comes from.

`find_printer`, `find_resin`, `find_process` take a library name or a path; `library()` lists what is shipped.
"""

from pmsl.profiles.checks import ProcessChecks
from pmsl.profiles.find import (
    find_printer,
    find_process,
    find_resin,
    find_two_photon_printer,
    find_two_photon_process,
    find_two_photon_resin,
    library,
    library_template,
    library_text,
    two_photon_library,
)
from pmsl.profiles.printer import Printer
from pmsl.profiles.process import Motion, MotionSchedule, Process
from pmsl.profiles.resin import Resin
from pmsl.profiles.two_photon import TwoPhotonPrinter, TwoPhotonProcess, TwoPhotonResin

DEFAULT_PRINTER = "microfluidics-7.6um"
DEFAULT_RESIN = "pegda-nps-1.0-385"
DEFAULT_PROCESS = "default"

__all__ = [
    "DEFAULT_PRINTER",
    "DEFAULT_PROCESS",
    "DEFAULT_RESIN",
    "Motion",
    "MotionSchedule",
    "Printer",
    "Process",
    "ProcessChecks",
    "Resin",
    "TwoPhotonPrinter",
    "TwoPhotonProcess",
    "TwoPhotonResin",
    "find_printer",
    "find_process",
    "find_resin",
    "find_two_photon_printer",
    "find_two_photon_process",
    "find_two_photon_resin",
    "library",
    "library_template",
    "library_text",
    "two_photon_library",
]
