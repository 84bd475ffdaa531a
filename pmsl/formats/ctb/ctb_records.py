"""Layout of a CTB file, version 3: header, two extensions, table of layers, a copy of its entry before each layer, two pictures."""

from __future__ import annotations

import numpy as np

from pmsl.formats.binary_records import BinaryRecord
from pmsl.formats.frames.device_frame import depth_levels

MAGIC = 0x12FD0086
OTHERS = {0x12FD0019: "a CBDDLP", 0x12FD0106: "a CTB version 4", 0x12FD0107: "an encrypted CTB"}
LARGE, SMALL = (400, 300), (200, 125)  # width, height of the two pictures
LARGEST_SIDE = 65535  # pixels; the fields could say more, no panel has them
MODE = 0x2000000F  # 15: enciphered or not by the key; the high bit: each layer has its own settings
SOFTWARE = 0x01060300
GRAYS = depth_levels(7)  # what every reader makes of them
RUN_FLAG, LONGEST_RUN = 0x20, 0xFFF  # of a picture's code

HEADER = BinaryRecord(
    "<",
    "magic:I version:I bed_x_mm:f bed_y_mm:f bed_z_mm:f zero_1:I zero_2:I height_mm:f layer_mm:f exposure_s:f bottom_exposure_s:f "
    "light_off_s:f bottom_layers:I cols:I rows:I large_at:I table_at:I layers:I small_at:I print_s:I mirrored:I "
    "ext_at:I ext_size:I level_sets:I pwm:H bottom_pwm:H key:I ext2_at:I ext2_size:I",
)
EXT = BinaryRecord(
    "<",
    "bottom_lift_mm:f bottom_lift_mm_min:f lift_mm:f lift_mm_min:f retract_mm_min:f volume_ml:f weight_g:f cost:f "
    "bottom_light_off_s:f light_off_s:f bottom_layers:I zero_1:I zero_2:I zero_3:I zero_4:I",
)
EXT2 = BinaryRecord(
    "<",
    "zero_1:I zero_2:I zero_3:I zero_4:I zero_5:I zero_6:I zero_7:I name_at:I name_size:I mode:I id:I antialias:I software:I "
    "flags:I zero_8:I zero_9:I zero_10:I zero_11:I zero_12:I",
)
PICTURE = BinaryRecord("<", "width:I height:I data_at:I size:I zero_1:I zero_2:I zero_3:I zero_4:I")
ENTRY = "z_mm:f exposure_s:f light_off_s:f data_at:I size:I page:I table_size:I zero_1:I zero_2:I"
LAYER = BinaryRecord("<", ENTRY)
COPY = BinaryRecord(
    "<",
    f"{ENTRY} total_size:I lift_mm:f lift_mm_min:f lift2_mm:f lift2_mm_min:f retract_mm_min:f retract2_mm:f retract2_mm_min:f "
    "before_lift_s:f after_lift_s:f after_retract_s:f pwm:f",
)


def picture_bytes(picture: np.ndarray) -> bytes:
    """Return the code of a picture (rows, cols, 3) uint8: words of 5 bits a colour.

    Bit 5 of a word is set where the next one is 0x3000 and how many pixels more are the same.
    """
    red, green, blue = picture.reshape(-1, 3).astype(np.uint16).T >> 3
    words = red << 11 | green << 6 | blue
    starts = np.flatnonzero(np.concatenate([[True], words[1:] != words[:-1]]))
    out: list[int] = []
    for word, many in zip(words[starts].tolist(), np.diff([*starts, words.size]).tolist(), strict=True):
        while many > 0:
            run = min(many, LONGEST_RUN)
            out += [word] * run if run < 3 else [word | RUN_FLAG, 0x3000 | run - 1]
            many -= run
    return np.array(out, "<u2").tobytes()
