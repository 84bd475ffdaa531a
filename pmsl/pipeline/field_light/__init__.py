"""What the fields of a plate are given: corrections and doses that look across seams, and what is to be said of overlaps."""
