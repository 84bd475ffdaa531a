"""PrintJob ↔ files, each format a small sibling behind one registry.

contract    what a format is: start here to add one
registry    name, suffix or content → format
capability  what a target can hold
fit         a job made one that a target holds, or refused; fold: doses into gray, padding: into a panel, schedule: times by rule
frames      masks turned and quantised for the device; diamond: for mirrors that stand on their corners
stream      layers one after another into a file
partial     a job from a file that holds less than a job
native      job.json and PNG frames, folder or zip
sl1         Prusa's .sl1 and .sl1s
byu         microfluidics print file, schema 5
nanodlp     NanoDLP plate
goo         Elegoo's GOO, version 3
ctb         CTB, version 3, plain and enciphered
ometiff     OME-TIFF and omezarr, OME-Zarr: masks and dose maps for image software; stack is what both carry beside pixels
contourfiles  contours of the parts: 3MF slice stacks and SVG
png         8-bit gray PNG, pngread its way back
framestream  a frame as one sequence of runs; runlength its codes in GOO and CTB; inflate deflated frames back into runs
binary      files of fixed records
desktop     what files of desktop printers share: bottom layers, mm, flips
zipped      a file that is a zip of frames and tables
thumbnail   small pictures for a printer's menu
device      frames as projector controllers take them: bit planes, 24-bit images, look-up tables, packed rows
bundle      folder or zip, to read or to write; limits: what a file may cost its reader
target      complete or absent; leftovers: drafts, whose they are, and what killed writers left
"""
