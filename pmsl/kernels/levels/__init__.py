"""Gray levels solved together: sums of light by rows and by columns, descent, and rounding to levels."""
