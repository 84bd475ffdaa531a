"""Layout of a GOO file, version 3 (vendor's specification V1.2): header, then definition and data of each layer, then an end mark."""

from __future__ import annotations

from pmsl.formats.binary_records import BinaryRecord

MAGIC = bytes.fromhex("07000000444c5000")
BREAK = b"\r\n"
END = b"\0\0\0" + MAGIC
SMALL, BIG = 116, 290  # side of the two pictures, RGB565
WAIT_TIMES = 1  # delay mode: waits are given one by one, not as the time the light is off

HEADER = BinaryRecord(
    ">",
    "version:4s magic:8s software:32s software_version:24s created:24s printer:32s printer_type:32s resin:32s "
    "antialias:H gray_level:H blur:H "
    f"small:{2 * SMALL * SMALL}s small_end:2s big:{2 * BIG * BIG}s big_end:2s "
    "layers:I cols:H rows:H mirror_x:B mirror_y:B platform_x_mm:f platform_y_mm:f platform_z_mm:f layer_mm:f exposure_s:f "
    "delay_mode:B light_off_s:f bottom_before_lift_s:f bottom_after_lift_s:f bottom_after_retract_s:f "
    "before_lift_s:f after_lift_s:f after_retract_s:f bottom_exposure_s:f bottom_layers:I "
    "bottom_lift_mm:f bottom_lift_mm_min:f lift_mm:f lift_mm_min:f "
    "bottom_retract_mm:f bottom_retract_mm_min:f retract_mm:f retract_mm_min:f "
    "bottom_lift2_mm:f bottom_lift2_mm_min:f lift2_mm:f lift2_mm_min:f "
    "bottom_retract2_mm:f bottom_retract2_mm_min:f retract2_mm:f retract2_mm_min:f "
    "bottom_pwm:H pwm:H layer_settings:B print_s:I volume_mm3:f weight_g:f price:f currency:8s "
    "layers_at:I gray_8_bit:B transition_layers:H",
)
LAYER = BinaryRecord(
    ">",
    "pause:H pause_mm:f z_mm:f exposure_s:f light_off_s:f before_lift_s:f after_lift_s:f after_retract_s:f "
    "lift_mm:f lift_mm_min:f lift2_mm:f lift2_mm_min:f retract_mm:f retract_mm_min:f retract2_mm:f retract2_mm_min:f "
    "pwm:H end:2s size:I",
)
