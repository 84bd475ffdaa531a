"""The print held against the design: edges, faces, volumes."""
