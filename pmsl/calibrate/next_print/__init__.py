"""The next print: the tiles that say most of what is wanted, by the Fisher information they add to what is measured already.

proposal         which tiles, and what to expect of them
known_values     what is measured so far
candidate_tiles  tiles that could be printed, and what each would say
goals            what is wanted, and how it hangs on the values
part_surfaces    roofs and walls of a part, by the layers above them
tile_choice      which of the candidates say most
proposed_print   the print, and its sheet
outcome          what was stated of a proposed print, beside what its sheet then gave
"""
