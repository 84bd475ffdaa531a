"""Levels of pixels near walls, solved together where the closed form leaves walls off: corners, tips, features of few pixels.

`wall_level_problem` poses the problem of a layer, `level_solution` solves it, `contour_error` measures exactly where walls will be, and
`optimiser` lets every neighbourhood have whichever levels put its walls nearer to the design.
"""
