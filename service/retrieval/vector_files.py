"""Whether the vector files of an embedded Chroma are whole.

Chroma 1.5 loads a file that was cut short (full disk, broken copy) without looking, and the first search then ends the
process, at every start anew. The header of each index says how long its data are, so that can be told beforehand.
"""

import struct
from pathlib import Path

_HEADER, _DATA = "header.bin", "data_level0.bin"
# Version, then offset, capacity, vectors kept, bytes of each vector with its links. A header of another version is not
# judged: this knows one form only.
_FIELDS = struct.Struct("<iQQQQ")
_VERSION = 1
_HEADER_BYTES = 100


def cut_short(folder: Path) -> Path | None:
    """The first index in `folder` whose files are not as long as they should be. Raises `OSError`."""
    for header in sorted(folder.glob(f"*/{_HEADER}")):
        if not _is_whole(header):
            return header.parent
    return None


def _is_whole(header: Path) -> bool:
    start = header.read_bytes()[:_HEADER_BYTES]
    if len(start) < _HEADER_BYTES:
        return False
    version, _, _, kept, bytes_each = _FIELDS.unpack_from(start)
    data = header.with_name(_DATA)
    return version != _VERSION or (data.exists() and data.stat().st_size >= kept * bytes_each)
