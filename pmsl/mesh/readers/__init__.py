"""One reader a format: a file becomes triangles."""
