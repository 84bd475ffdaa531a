"""Frames as projector controllers take them; nothing here talks to a device, and no device's package is imported.

bitplanes       gray frame → bit planes, and gray split into planes that are timed one by one
dlpc900_splash  24-bit pattern images: packing, run-length code, file header, halves for two controllers
dlpc900         look-up-table entries, batches, upload order, USB reports of TI's DLPC900
alp             packed rows, sequences and picture times of ViALUX ALP
"""

from pmsl.formats.device.alp import alp_rows, alp_sequence, picture_times_us
from pmsl.formats.device.bitplanes import Pattern, Split, bitplanes, split_gray, whole_gray
from pmsl.formats.device.dlpc900 import CONTROLLERS, Controller, PatternBatch, batches, commands, lut_entry, usb_reports
from pmsl.formats.device.dlpc900_splash import decode_splash, encode_splash, halves, merged

__all__ = [
    "CONTROLLERS",
    "PatternBatch",
    "Controller",
    "Pattern",
    "Split",
    "alp_rows",
    "alp_sequence",
    "batches",
    "bitplanes",
    "commands",
    "decode_splash",
    "encode_splash",
    "halves",
    "lut_entry",
    "merged",
    "picture_times_us",
    "split_gray",
    "usb_reports",
    "whole_gray",
]
