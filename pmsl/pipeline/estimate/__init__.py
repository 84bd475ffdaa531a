"""What a job will cost before it is made: time, memory, bytes."""
