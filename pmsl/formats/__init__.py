"""PrintJob ↔ files, each format a small sibling behind one registry.

protocol    what a format is: start here to add one
registry    name, suffix or content → format
adapt       a job made one that a target holds, or refused
frames      masks turned and quantised for the device, PNG and run lengths, and their way back
container   folders and zips, complete or absent; drafts; what a file may cost its reader
native      job.json and PNG frames, folder or zip
sl1         Prusa's .sl1 and .sl1s
byu         microfluidics print file, schema 5
nanodlp     NanoDLP plate
goo         Elegoo's GOO, version 3
ctb         CTB, version 3, plain and enciphered
ometiff     OME-TIFF: masks and dose maps for image software
ome_zarr    the same as OME-Zarr
contourfiles  contours of the parts: 3MF slice stacks and SVG
device      frames as projector controllers take them: bit planes, 24-bit images, look-up tables, packed rows
binary_records     files of fixed records
desktop_common     what files of desktop printers share: bottom layers, mm, flips
image_stack_notes  what image stacks carry beside pixels
incomplete_job     a job from a file that holds less than a job
"""
