"""Reads the weights of a model from a safetensors file without copying them: the file is mapped into memory,
and only what is used is ever read from the disk."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from index.errors import ModelError

Floats = npt.NDArray[np.float32]

_MAX_HEADER = 100_000_000  # bytes; the format's own limit


def read_tensors(path: Path) -> Mapping[str, Floats]:
    """The floating-point tensors in a safetensors file, by name, as float32.

    Those stored as float32 are views into the mapped file; narrower ones are converted. Tensors of other
    types are left out. ModelError for a file that is missing or malformed.
    """
    try:
        mapped = np.memmap(path, dtype=np.uint8, mode="r")
        (length,) = struct.unpack("<Q", mapped[:8].tobytes())
        if length > min(_MAX_HEADER, mapped.size - 8):
            raise ValueError("its header is longer than the file")
        header = json.loads(mapped[8 : 8 + length].tobytes())
        data = mapped[8 + length :]
        return {
            name: _tensor(data, entry)
            for name, entry in header.items()
            if name != "__metadata__" and entry["dtype"] in ("F32", "F16", "BF16")
        }
    # Whatever is wrong with the file, its header is the user's data and not ours.
    except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise ModelError(
            f"the weights in {path} cannot be read: {error}", "Fetch or install the model again."
        ) from error


def _tensor(data: npt.NDArray[np.uint8], entry: Mapping[str, Any]) -> Floats:
    begin, end = entry["data_offsets"]
    raw = data[begin:end]
    if entry["dtype"] == "F32":
        found: Floats = raw.view("<f4")
    elif entry["dtype"] == "F16":
        found = raw.view("<f2").astype(np.float32)
    else:  # bfloat16 is the upper half of a float32
        found = (raw.view("<u2").astype(np.uint32) << 16).view(np.float32)
    return found.reshape(entry["shape"])
