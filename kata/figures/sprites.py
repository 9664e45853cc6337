"""Many small images as one PNG each sheet: sixteen greys, one image below the other."""

import struct
import zlib

import numpy as np

DEPTH = 4
GREYS = 2**DEPTH


def sheet(images: np.ndarray) -> bytes:
    """Images `(N, H, W)` in [-1, 1] as a PNG of N * H rows: ink, 1, is black, paper, -1, is white; W must be even.

    One below the other, images that are alike lie close together in the file, where the compression finds them.
    """
    shades = np.clip((1 - images) / 2, 0, 1)
    levels = np.rint(shades * (GREYS - 1)).astype(np.uint8).reshape(-1, images.shape[-1])
    packed = levels[:, ::2] << DEPTH | levels[:, 1::2]
    rows = np.pad(packed, ((0, 0), (1, 0)))  # filter 0 in front of every row
    height, width = levels.shape
    header = struct.pack(">IIBBBBB", width, height, DEPTH, 0, 0, 0, 0)
    content = zlib.compress(rows.tobytes(), 9)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(name, data) for name, data in ((b"IHDR", header), (b"IDAT", content), (b"IEND", b""))
    )


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
