"""The page of a job: what `pmsl report` writes into one file and `pmsl view` serves."""
