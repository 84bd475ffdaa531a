"""What the light of a job makes solid, layer by layer: what checks by dose look at."""
