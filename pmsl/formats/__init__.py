"""PrintJob ↔ files, each format a small sibling behind one registry.

contract    what a format is: start here to add one
registry    name, suffix or content → format
capability  what a target can hold; fit makes a job one that it holds, or refuses it; fold puts doses into gray
frames      masks turned and quantised for the device
stream      layers one after another into a file
partial     a job from a file that holds less than a job
native      job.json and PNG frames, folder or zip
sl1         Prusa's .sl1 and .sl1s
byu         microfluidics print file, schema 5
nanodlp     NanoDLP plate
png         8-bit gray PNG, pngread its way back
zipped      a file that is a zip of frames and tables
thumbnail   small pictures for a printer's menu
bundle      folder or zip, to read or to write
target      complete or absent
"""
