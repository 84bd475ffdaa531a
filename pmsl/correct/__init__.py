"""Window of layers → what each layer is to receive: masks with dose factors; and flat-field compensation of the result."""
