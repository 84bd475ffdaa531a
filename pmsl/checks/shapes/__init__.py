"""What is looked for in solid and liquid: bodies, voids, and the ways out of them."""
