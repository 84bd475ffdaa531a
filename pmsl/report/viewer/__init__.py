"""The page of a job served on this machine, frames on demand: what `pmsl view` opens."""
