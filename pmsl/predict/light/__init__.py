"""The light of a job, from the light side down."""
