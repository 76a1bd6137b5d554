# SPDX-License-Identifier: GPL-3.0-or-later
"""PNG pictures as Chromium writes them, down to their pixels.

    image = png.read(data)
    image.width, image.height, image.colours(), image.count(b"\\xff\\xff\\xff")

Eight bits, RGB or RGBA, not interlaced; anything else is a ValueError. Source: W3C PNG (third edition), 5 to 10."""

import collections
import struct
import zlib
from dataclasses import dataclass

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {2: 3, 6: 4}  # by colour type


@dataclass
class Image:
    width: int
    height: int
    pixels: list  # of three bytes each, alpha left out

    def colours(self):
        """How many pixels have which colour."""
        return collections.Counter(self.pixels)


def chunks(data):
    at = len(SIGNATURE)
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8:at + 8 + length]
        if struct.unpack_from(">I", data, at + 8 + length)[0] != zlib.crc32(kind + body):
            raise ValueError(f"chunk {kind} is damaged")
        yield kind, body
        at += 12 + length


def paeth(left, above, corner):
    estimate = left + above - corner
    return min((left, above, corner), key=lambda near: abs(estimate - near))


def unfilter(kind, row, above, step):
    """The bytes of a row, from what stands in the file and the row above it."""
    row = bytearray(row)
    if kind == 2:
        return bytearray((byte + up) & 255 for byte, up in zip(row, above, strict=True))
    for i in range(len(row) if kind else 0):
        left, corner = (row[i - step], above[i - step]) if i >= step else (0, 0)
        row[i] = (row[i] + {1: left, 3: (left + above[i]) // 2, 4: paeth(left, above[i], corner)}[kind]) & 255
    return row


def read(data):
    if not data.startswith(SIGNATURE):
        raise ValueError("no PNG")
    packed = b""
    for kind, body in chunks(data):
        if kind == b"IHDR":
            width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", body)
        elif kind == b"IDAT":
            packed += body
    if depth != 8 or colour not in CHANNELS or interlaced:
        raise ValueError(f"depth {depth}, colour type {colour}, interlaced {interlaced}")
    step = CHANNELS[colour]
    rows, above, pixels = zlib.decompress(packed), bytearray(width * step), []
    for at in range(0, len(rows), width * step + 1):
        above = unfilter(rows[at], rows[at + 1:at + 1 + width * step], above, step)
        pixels += [bytes(above[i:i + 3]) for i in range(0, len(above), step)]
    if len(pixels) != width * height:
        raise ValueError(f"{len(pixels)} pixels of {width} x {height}")
    return Image(width, height, pixels)
