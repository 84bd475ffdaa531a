"""What a mesh needs before it can be printed, done and said."""
