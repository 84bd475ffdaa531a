"""What happens while a job is played: the light, the plate, the frames ahead, waits and signals."""
