"""What is printed against the design: voxels, edges, faces, and how their errors spread."""
