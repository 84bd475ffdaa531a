"""What was typed: text to numbers, files of regions, options over profiles."""
