"""Test prints that are measured: jobs with numbered tiles, and the sheets to fill in.

tile_layout     tiles and their numbers on the field
coupon_job      what is lit when, what the parts are, as a job
film_coupon     coupons of one layer on glass
working_curve_coupon   one exposure a tile, on glass
measuring_sheet  the CSV file of a coupon, and the drawing of where to measure
"""
