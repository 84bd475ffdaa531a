"""The native job: a folder or zip with job.json, frames/, design/ and dose/.

document   job.json as strict structs, and its JSON Schema
write      PrintJob → disk
read       disk → PrintJob
verify     every file against its hash, its shape and its neighbours
design     placed parts as PLY
dosetiff   dose maps as TIFF
"""

from pmsl.formats.native.write import Written, write

__all__ = ["Written", "write"]
