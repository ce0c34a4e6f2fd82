"""The sealed file: the float16 rows of a library in lists, and a directory that says what is in them.

    rows of list 0 | rows of list 1 | … | directory (an .npz of numbers) | where it begins (8 bytes)

The directory is read when the file is opened, and held against the SHA-256 that library.db recorded. A list
is read when a search first needs it, and held against its CRC-32, which is how the same rows are guarded in
library.db; what is good stays in memory. So a library of a million passages opens at once, and a question
reads a part of the file, yet not one row is searched whose bytes were not checked. The lists are runs of
passages in the order of their ids, all of which are searched, or clusters (index/clusters.py), of which
the nearest are.
"""

from __future__ import annotations

import hashlib
import io
import os
import weakref
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from index.embed import Vectors
from index.objects import sync_folder
from index.stored_vectors import SnapshotRow

SUFFIX = ".rows"
_TRAILER = 8
_RUN = 4_096  # rows of a list where the lists are no clusters

Ids = npt.NDArray[np.int64]
Codes = npt.NDArray[np.uint8]  # float16 rows as bytes, of shape (count, 2 × dimension)


class Damaged(Exception):
    """A list's bytes are not those that were written."""


@dataclass(frozen=True, slots=True)
class Directory:
    """What a sealed file holds."""

    ids: Ids  # of the passages, in the order of the rows
    bounds: Ids  # list i is rows bounds[i] to bounds[i + 1]
    checks: npt.NDArray[np.uint32]  # CRC-32 of each list
    revisions: Ids  # (count, 3): revision, its first and its last passage id, in the order of the latter
    centroids: Vectors  # of the lists, of shape (lists, dimension); of shape (0, dimension) for no clusters
    probes: int  # so many lists, the nearest, are searched
    recall: float  # that was measured with so many, at 100

    @property
    def clustered(self) -> bool:
        """Whether a search reads only the nearest lists."""
        return len(self.centroids) > 0


@dataclass(frozen=True, slots=True)
class Layout:
    """How rows are put into lists: `order` sorts them by list. No centroids, no clusters."""

    order: Ids
    bounds: Ids
    centroids: Vectors
    probes: int
    recall: float = 1.0


def in_order(count: int, dimension: int) -> Layout:
    """Lists of like length in the order of ids, for a search of all of them."""
    bounds = np.append(np.arange(0, count, _RUN), count).astype(np.int64)
    return Layout(np.arange(count), bounds, np.zeros((0, dimension), np.float32), len(bounds) - 1)


class Sealed:
    """An open sealed file. Raises Damaged where a list is not what was written."""

    def __init__(self, descriptor: int, directory: Directory, width: int) -> None:
        self.directory = directory
        self._descriptor = descriptor
        self._width = width  # bytes of a row
        self._lists: dict[int, Codes] = {}
        self._close = weakref.finalize(self, os.close, descriptor)

    def close(self) -> None:
        """Lets go of the file."""
        self._close()

    def lists(self, numbers: Iterable[int]) -> Iterable[tuple[Codes, Ids]]:
        """Rows and passage ids of these lists."""
        bounds = self.directory.bounds
        for number in numbers:
            yield self._list(number), self.directory.ids[bounds[number] : bounds[number + 1]]

    def near(self, vector: Vectors, probes: int) -> Sequence[int]:
        """The numbers of the `probes` lists nearest to a vector, nearest first; all of no clusters."""
        if not self.directory.clustered:
            return range(len(self.directory.checks))
        likeness = self.directory.centroids @ vector.astype(np.float32)
        found: list[int] = np.argsort(-likeness, kind="stable")[:probes].tolist()
        return found

    def read_all(self, *, keep: bool = True) -> None:
        """Reads and checks every list."""
        for number in range(len(self.directory.checks)):
            self._list(number)
            if not keep:
                self._lists.clear()

    def _list(self, number: int) -> Codes:
        if number not in self._lists:
            first, last = (int(b) for b in self.directory.bounds[number : number + 2])
            data = np.empty((last - first, self._width), np.uint8)
            try:
                _read_at(self._descriptor, first * self._width, data.data.cast("B"))
            except OSError as error:
                raise Damaged(str(error)) from error
            if zlib.crc32(data.data) != self.directory.checks[number]:
                raise Damaged(f"list {number}")
            self._lists[number] = data
        return self._lists[number]


def open_sealed(path: Path, row: SnapshotRow) -> Sealed | None:
    """The file, if its size and its directory are those that were recorded; None for any other file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    except OSError:
        return None
    sealed = None
    try:
        directory = _directory(descriptor, row)
        if directory is not None:
            sealed = Sealed(descriptor, directory, 2 * directory.centroids.shape[1])
    except OSError:
        pass  # it cannot be read: as good as damaged
    finally:
        if sealed is None:
            os.close(descriptor)
    return sealed


def _directory(descriptor: int, row: SnapshotRow) -> Directory | None:
    size = os.fstat(descriptor).st_size
    if size != row.size or size < _TRAILER:
        return None
    trailer = bytearray(_TRAILER)
    _read_at(descriptor, size - _TRAILER, memoryview(trailer))
    begins = int.from_bytes(trailer, "little")
    if begins > size - _TRAILER:
        return None
    data = bytearray(size - begins)
    _read_at(descriptor, begins, memoryview(data))
    if hashlib.sha256(data).hexdigest() != row.sha256:
        return None
    # The bytes are our own from here on, but another version's, perhaps.
    try:
        with np.load(io.BytesIO(data[:-_TRAILER]), allow_pickle=False) as stored:
            numbers = {name: stored[name] for name in stored.files}
            directory = Directory(
                numbers["ids"], numbers["bounds"], numbers["checks"], numbers["revisions"],
                numbers["centroids"], int(numbers["probes"]), float(numbers["recall"]),
            )  # fmt: skip
    except (KeyError, ValueError, zipfile.BadZipFile):
        return None
    return directory if len(directory.ids) == row.count else None


def _read_at(descriptor: int, offset: int, into: memoryview) -> None:
    """Fills `into` with the bytes at `offset`; OSError if there are not so many."""
    os.lseek(descriptor, offset, os.SEEK_SET)
    done = 0
    with os.fdopen(descriptor, "rb", buffering=0, closefd=False) as file:
        while done < len(into):
            count = file.readinto(into[done:])
            if not count:
                raise OSError("the file ends too early")
            done += count


def write_sealed(path: Path, codes: Codes, ids: Ids, revisions: Ids, layout: Layout) -> tuple[int, str]:
    """Writes a sealed file durably under a name that is not in use; returns its size and the SHA-256 of
    its directory. `codes` are the rows of the passages `ids`, of shape (count, bytes of a row)."""
    temporary = path.with_name(f".{path.name}.part")
    checks: list[int] = []
    try:
        with temporary.open("wb") as file:
            for first, last in zip(layout.bounds[:-1], layout.bounds[1:], strict=True):
                rows = codes[layout.order[first:last]]
                checks.append(zlib.crc32(rows.data))
                file.write(rows.data)
            begins = file.tell()
            stored = io.BytesIO()
            np.savez(
                stored, ids=ids[layout.order], bounds=layout.bounds, checks=np.array(checks, np.uint32),
                revisions=revisions, centroids=layout.centroids, probes=layout.probes, recall=layout.recall,
            )  # fmt: skip
            data = stored.getvalue() + begins.to_bytes(_TRAILER, "little")
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)
    return begins + len(data), hashlib.sha256(data).hexdigest()
