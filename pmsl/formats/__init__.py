"""PrintJob ↔ files, each format a small sibling behind one registry.

registry   name or suffix → format
native     job.json and PNG frames, folder or zip
frames     masks turned and quantised for the device
png        8-bit gray PNG
bundle     folder or zip, to read or to write
target     complete or absent
"""
