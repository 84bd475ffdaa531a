"""The nouns of the house, one file each. Lengths µm, time s, irradiance mW/cm², dose mJ/cm²."""
