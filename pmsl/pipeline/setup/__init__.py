"""What comes before any layer of a job: doses, heights, regions, corrections, and what is refused."""
