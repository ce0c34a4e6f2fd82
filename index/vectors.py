"""The FAISS side of a library: a sealed file for most passages, a fresh tail for the newest.

Vectors live in library.db; everything here is derived from them. A FAISS file is written whole, hashed
while it is written, and loaded only if its size and hash are those that library.db recorded, because
FAISS itself notices neither a torn file nor a flipped bit.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from index.embed import Vectors
from index.errors import LibraryDamaged
from index.library import Library
from index.objects import sync_folder
from index.reader import Reader, SnapshotRow, VectorRows

_TAIL_SHARE = 0.1  # the tail may grow to this share of the sealed file before the file is made anew
_TAIL_FREE = 2_000  # below this many passages no file is worth writing again


@dataclass(slots=True)
class _Loaded:
    generation: int
    model_id: int
    sealed: Any  # faiss.Index or None
    sealed_count: int
    tail: Any
    last_id: int


class VectorIndex:
    """Searches the vectors of one library. Keeps what it loaded and follows the library's generation.

    May be used from several threads: one waits for the other.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self._in_use = Lock()
        self._loaded: _Loaded | None = None
        self.notice = ""  # what the user should know, e.g. that a damaged file was set aside

    def load(self) -> None:
        """Loads FAISS and the sealed file now instead of at the first search; LibraryError if it cannot be
        read. A library that is not there, or that holds nothing, is for the search to notice."""
        import faiss  # noqa: F401 (loaded, not used)

        if not self._library.exists():
            return
        with self._in_use, self._library.read() as reader:
            model = reader.model()
            if model is not None:
                self._up_to_date(reader, model[1].dimension)

    def search(
        self, reader: Reader, vector: Vectors, limit: int, allowed: set[int] | None = None
    ) -> list[tuple[int, float]]:
        """Passage ids and cosines, best first, for a unit vector of shape (dimension,).

        `allowed` limits to these passage ids. Ids of passages removed meanwhile may be among the results:
        they resolve to nothing in the same read transaction and must be dropped by the caller.
        """
        with self._in_use:
            return self._search(reader, vector, limit, allowed)

    def _search(
        self, reader: Reader, vector: Vectors, limit: int, allowed: set[int] | None
    ) -> list[tuple[int, float]]:
        import faiss

        loaded = self._up_to_date(reader, len(vector))
        if loaded is None or limit <= 0:
            return []
        faiss.omp_set_num_threads(1)  # for a single query more threads only wait for each other
        # Removed passages still sit in the sealed file and may take places: ask for as many more.
        removed = loaded.sealed_count - reader.passages_up_to(loaded.last_id) + loaded.tail.ntotal
        found: list[tuple[int, float]] = []
        for index in (loaded.sealed, loaded.tail):
            if index is not None and index.ntotal:
                found += _search(index, vector, min(index.ntotal, limit + max(0, removed)), allowed)
        return sorted(found, key=lambda hit: (-hit[1], hit[0]))[: limit + max(0, removed)]

    def _up_to_date(self, reader: Reader, dimension: int) -> _Loaded | None:
        generation = reader.generation()
        if self._loaded is not None and self._loaded.generation == generation:
            return self._loaded
        model = reader.model()
        if model is None:
            return None
        if self._loaded is None or self._loaded.model_id != model[0]:
            self._loaded = self._load(reader, model[0], dimension, generation)
        _extend(self._loaded, reader)
        self._loaded.generation = generation
        return self._loaded

    def _load(self, reader: Reader, model_id: int, dimension: int, generation: int) -> _Loaded:
        row = reader.snapshot(model_id)
        sealed = None
        if row is not None:
            sealed = load_snapshot(self._library.index_folder / row.file, row)
            if sealed is None:
                self.notice = f"the index file {row.file} is damaged or gone; searching without it"
        loaded = _Loaded(generation, model_id, sealed, 0, empty_index(dimension), 0)
        if sealed is not None and row is not None:
            loaded.sealed_count, loaded.last_id = row.count, row.last_passage_id
        return loaded


def _extend(loaded: _Loaded, reader: Reader) -> None:
    """Adds the passages that came after what is loaded."""
    for rows in reader.vectors(loaded.model_id, after=loaded.last_id):
        loaded.tail.add_with_ids(decode(rows), np.asarray(rows.passage_ids, dtype=np.int64))
        loaded.last_id = max(loaded.last_id, rows.passage_ids[-1])


def _search(index: Any, vector: Vectors, limit: int, allowed: set[int] | None) -> list[tuple[int, float]]:
    import faiss

    parameters = None
    if allowed is not None:
        ids = np.fromiter(allowed, dtype=np.int64, count=len(allowed))
        selector = faiss.IDSelectorBatch(ids)
        # The stubs that come with FAISS lack its keyword constructors and its Python classes.
        parameters = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]
    scores, found = index.search(vector[None, :].astype(np.float32), limit, params=parameters)
    # FAISS pads with -1 where it found fewer.
    return [(int(i), float(s)) for i, s in zip(found[0], scores[0], strict=True) if i >= 0]


def empty_index(dimension: int) -> Any:
    """An exact inner-product index over float16 rows, as they are stored, addressed by passage id."""
    import faiss

    return faiss.IndexIDMap2(
        faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    )


def decode(rows: VectorRows) -> npt.NDArray[np.float32]:
    """Stored vectors as float32, of shape (count, dimension); LibraryDamaged if their checksum fails."""
    if zlib.crc32(rows.data) != rows.crc32 or not rows.passage_ids:
        raise LibraryDamaged(
            f"stored vectors of revision {rows.revision_id} are damaged", "Run: citewell doctor --repair"
        )
    flat = np.frombuffer(rows.data, dtype="<f2").astype(np.float32)
    if flat.size % len(rows.passage_ids):
        raise LibraryDamaged(
            f"vectors of revision {rows.revision_id} do not fit its passages", "Run: citewell doctor --repair"
        )
    return flat.reshape(len(rows.passage_ids), -1)


def needs_snapshot(reader: Reader) -> bool:
    """Whether the tail, or what was removed, has outgrown the sealed file."""
    model = reader.model()
    if model is None:
        return False
    row = reader.snapshot(model[0])
    total = reader.counts()["passages"]
    if row is None:
        return total > 0
    alive = reader.passages_up_to(row.last_passage_id)
    stale = (total - alive) + (row.count - alive)
    return stale > max(_TAIL_FREE, _TAIL_SHARE * total)


def seal(library: Library) -> str | None:
    """Writes a FAISS file with every passage and makes it the current one; returns its name."""
    with library.read() as reader:
        model = reader.model()
        if model is None:
            return None
        generation, (model_id, fingerprint) = reader.generation(), model
        index, last_id = build(reader.vectors(model_id), fingerprint.dimension)
    name = f"{generation}-{fingerprint.digest()}.faiss"
    with library.write() as writer:
        library.index_folder.mkdir(exist_ok=True)
        size, sha256 = write_index(index, library.index_folder / name)
        replaced = writer.record_snapshot(model_id, name, size, sha256, index.ntotal, last_id)
        left_over = [p for p in library.index_folder.glob("*.faiss*") if p.name not in (name, *replaced)]
        _delete(left_over)  # by a run that was killed; under the lock nobody else is writing one
    _delete([library.index_folder / old for old in replaced])
    return name


def _delete(files: Iterable[Path]) -> None:
    for path in files:
        with suppress(OSError):  # the index does not need them gone; the next seal tries again
            path.unlink(missing_ok=True)


def build(stored: Iterable[VectorRows], dimension: int) -> tuple[Any, int]:
    """An index over stored vectors, and the highest passage id in it."""
    index, last_id = empty_index(dimension), 0
    for rows in stored:
        index.add_with_ids(decode(rows), np.asarray(rows.passage_ids, dtype=np.int64))
        last_id = max(last_id, rows.passage_ids[-1])
    return index, last_id


def write_index(index: Any, path: Path) -> tuple[int, str]:
    """Writes a FAISS index durably under a name that is not in use; returns its size and SHA-256.

    Not with faiss.write_index(path): that truncates in place, does not fsync, and on a full disk leaves
    an empty file without an error.
    """
    import faiss

    digest, size = hashlib.sha256(), 0
    temporary = path.with_name(f".{path.name}.part")
    try:
        with temporary.open("wb") as file:

            def write(chunk: bytes) -> int:
                nonlocal size
                data = bytes(chunk)
                digest.update(data)
                size += len(data)
                return file.write(data)

            writer = faiss.PyCallbackIOWriter(write)  # type: ignore[attr-defined]  # see _search
            faiss.write_index(index, writer)
            del writer  # flushes what it buffered
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)
    return size, digest.hexdigest()


def load_snapshot(path: Path, row: SnapshotRow) -> Any | None:
    """The index in a FAISS file whose size and hash are as recorded; None for any other file."""
    import faiss

    try:
        data = path.read_bytes()
    except OSError:
        return None
    if len(data) != row.size or hashlib.sha256(data).hexdigest() != row.sha256:
        return None
    index = faiss.deserialize_index(np.frombuffer(data, dtype=np.uint8))
    return index if index.ntotal == row.count else None
