"""PrintJob ↔ files, each format a small sibling behind one registry.

registry   name or suffix → format
native     job.json and PNG frames, folder or zip
frames     masks turned and quantised for the device
png        8-bit gray PNG
device     frames as projector controllers take them: bit planes, 24-bit images, look-up tables, packed rows
bundle     folder or zip, to read or to write
target     complete or absent
"""
