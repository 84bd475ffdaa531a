"""Test prints that are measured: jobs with numbered tiles, and the sheets to fill in.

tile_layout     tiles and their numbers on the field
working_curve_coupon   one exposure a tile, on glass
measuring_sheet  the CSV file of a coupon
"""
