"""What a machine is held against before anything moves, and what makes an engine safe that cannot time its own light."""
