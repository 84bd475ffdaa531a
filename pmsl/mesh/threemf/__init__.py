"""3MF: package, model parts, build, and the side files of slicer projects."""
