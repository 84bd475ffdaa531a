"""A plate larger than a field: where pictures lie, how they join, and in which order they are shown.

`tiles` lays fields out on the plate, `shares` says which share of the dose each has, `weights` what light that takes with induction,
`levels` rounds the grays of neighbours together, `tile_masks` applies them to masks, `order` finds the way, `seam_errors` says what a
stage that is off does, `on_plate` puts the pictures of a job together again.
"""
