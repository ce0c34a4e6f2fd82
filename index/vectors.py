"""The vectors of a library in memory: a sealed file for most passages, a fresh tail for the newest.

Vectors live in library.db; everything here is derived from them. What is sealed and what is not is known by
revision, so it does not matter in which order vectors come. What a search returns is exactly what the
catalogue holds: rows of removed passages are passed over.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from index.clusters import ClusterOptions, lay_out
from index.embed import Vectors
from index.errors import LibraryDamaged
from index.library import Library
from index.reader import Reader
from index.sealed import SUFFIX, Codes, Damaged, Ids, Sealed, open_sealed, write_sealed
from index.stored_vectors import SnapshotRow, VectorRows

_TAIL_SHARE = 0.1  # the tail may grow to this share of the sealed file before the file is made anew
_TAIL_FREE = 2_000  # below this many passages no file is worth writing again
_FEW = 400  # revisions whose vectors are read from library.db faster than the file's lists would be
_NONE = np.zeros((0, 3), np.int64)


@dataclass(slots=True)
class _Loaded:
    generation: int
    model_id: int
    dimension: int
    file: str = ""
    sealed: Sealed | None = None
    tail: dict[int, tuple[Codes, Ids]] = field(default_factory=dict)  # by revision
    alive: Any = None  # a selector of the passages that there still are, or None where none has gone

    @property
    def revisions(self) -> Ids:
        """What is sealed: revision, its first and its last passage id, one a row, by passage."""
        return self.sealed.directory.revisions if self.sealed is not None else _NONE


class VectorIndex:
    """Searches the vectors of one library. Keeps what it loaded and follows the library's generation.

    May be used from several threads: one waits for the other.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self._in_use = Lock()
        self._loaded: _Loaded | None = None
        self._damaged = ""  # a file that is not tried again
        self._scope: tuple[set[int], Any] | None = None  # the last one, and its selector
        self.notice = ""  # what the user should know, e.g. that a damaged file was set aside

    def load(self) -> None:
        """Loads FAISS and the sealed file now instead of at the first search; LibraryError if it cannot be
        read. A library that is not there, or that holds nothing, is for the search to notice."""
        import faiss  # noqa: F401 (loaded, not used)

        if not self._library.exists():
            return
        with self._in_use, self._library.read() as reader:
            model = reader.model()
            if model is None:
                return
            loaded = self._up_to_date(reader, model[1].dimension)
            if loaded is None or loaded.sealed is None or loaded.sealed.directory.clustered:
                return
            try:
                loaded.sealed.read_all()  # every search needs all of it
            except Damaged:
                self._without_file(reader, loaded)

    def search(
        self, reader: Reader, vector: Vectors, limit: int, allowed: set[int] | None = None
    ) -> list[tuple[int, float]]:
        """Passage ids and cosines, best first, for a unit vector of shape (dimension,).

        `allowed` limits to these passage ids, as far as there are such passages.
        """
        with self._in_use:
            return self._search(reader, vector, limit, allowed)

    def _search(
        self, reader: Reader, vector: Vectors, limit: int, allowed: set[int] | None
    ) -> list[tuple[int, float]]:
        loaded = self._up_to_date(reader, len(vector))
        if loaded is None or limit <= 0:
            return []
        selector = loaded.alive if allowed is None else self._within(allowed)
        try:
            return _nearest(_blocks(loaded, reader, vector, allowed), vector, limit, selector)
        except Damaged:
            self._without_file(reader, loaded)
            return _nearest(_blocks(loaded, reader, vector, allowed), vector, limit, selector)

    def _within(self, allowed: set[int]) -> Any:
        """A selector of these ids; made once for a scope that stays."""
        if self._scope is None or self._scope[0] is not allowed:
            self._scope = allowed, _selector(_array(allowed))
        return self._scope[1]

    def _up_to_date(self, reader: Reader, dimension: int) -> _Loaded | None:
        generation = reader.generation()
        if self._loaded is not None and self._loaded.generation == generation:
            return self._loaded
        model = reader.model()
        if model is None:
            return None
        row = reader.snapshot(model[0])
        file = row.file if row is not None and row.file.endswith(SUFFIX) else ""  # an older one's: not ours
        loaded = self._loaded
        if loaded is None or loaded.model_id != model[0] or loaded.file != file:
            loaded = _Loaded(generation, model[0], dimension, file)
            if row is not None and file and file != self._damaged:
                loaded.sealed = self._open(row)
        _catch_up(loaded, reader)
        loaded.generation = generation
        self._loaded = loaded
        return loaded

    def _open(self, row: SnapshotRow) -> Sealed | None:
        sealed = open_sealed(self._library.index_folder / row.file, row)
        if sealed is None:
            self._is_damaged(row.file)
        return sealed

    def _without_file(self, reader: Reader, loaded: _Loaded) -> None:
        """Goes on with the vectors of library.db, all of them, in the same read transaction."""
        self._is_damaged(loaded.file)
        if loaded.sealed is not None:
            loaded.sealed.close()
        loaded.sealed, loaded.alive = None, None
        _catch_up(loaded, reader)

    def _is_damaged(self, file: str) -> None:
        self._damaged = file
        self.notice = f"the index file {file} is damaged or gone; searching without it"


def _catch_up(loaded: _Loaded, reader: Reader) -> None:
    """Takes in the revisions that came, and leaves out those that went, since what is loaded."""
    there = np.array(reader.vector_revisions(loaded.model_id), np.int64)
    sealed = loaded.revisions
    gone = sealed[~np.isin(sealed[:, 0], there)]
    loaded.alive = _all_but(gone, reader.last_passage_id()) if len(gone) else None
    fresh = set(np.setdiff1d(there, sealed[:, 0]).tolist())
    loaded.tail = {revision: rows for revision, rows in loaded.tail.items() if revision in fresh}
    missing = fresh - set(loaded.tail)
    for rows in reader.vectors(loaded.model_id, None if len(missing) == len(there) else sorted(missing)):
        loaded.tail[rows.revision_id] = stored_codes(rows, loaded.dimension), np.array(rows.passage_ids)


def _blocks(
    loaded: _Loaded, reader: Reader, vector: Vectors, allowed: set[int] | None
) -> Iterator[tuple[Codes, Ids]]:
    """The rows, with their passage ids, that a search has to look at."""
    sealed = loaded.sealed
    if sealed is not None:
        probes = sealed.directory.probes
        few = _few_revisions(sealed, allowed) if allowed is not None else None
        if few is not None:
            for rows in reader.vectors(loaded.model_id, few) if few else ():
                yield stored_codes(rows, loaded.dimension), np.array(rows.passage_ids)
        else:
            if allowed is not None:  # the best hundred of a part lie as much further apart
                probes = -(-probes * len(sealed.directory.ids) // max(1, len(allowed)))
            yield from sealed.lists(sealed.near(vector, probes))
    yield from loaded.tail.values()


def _few_revisions(sealed: Sealed, allowed: set[int]) -> list[int] | None:
    """The sealed revisions of these passages, if the file is clustered and they are not too many."""
    if not sealed.directory.clustered:
        return None
    revisions = sealed.directory.revisions
    ids = _array(allowed)
    at = np.searchsorted(revisions[:, 1], ids, side="right") - 1
    at = at[(at >= 0) & (ids <= revisions[at, 2])]
    found: list[int] = np.unique(revisions[at, 0]).tolist()
    return found if len(found) <= _FEW else None


def _nearest(
    blocks: Iterable[tuple[Codes, Ids]], vector: Vectors, limit: int, selector: Any
) -> list[tuple[int, float]]:
    """The best of these rows, by inner product; ties by id."""
    import faiss

    faiss.omp_set_num_threads(1)  # for a single query more threads only wait for each other
    query = np.ascontiguousarray(vector, np.float32)
    scores = np.full(limit, -np.inf, np.float32)
    found = np.full(limit, -1, np.int64)
    # The stubs that come with FAISS know neither its keyword constructors nor arrays for pointers.
    quantizer: Any = faiss.ScalarQuantizer(len(query), faiss.ScalarQuantizer.QT_fp16)
    scan = quantizer.select_InvertedListScanner(faiss.METRIC_INNER_PRODUCT, None, False, selector, False)
    pointer: Any = faiss.swig_ptr
    scan.set_query(pointer(query))
    scan.set_list(0, 0.0)
    for codes, ids in blocks:
        scan.scan_codes(len(ids), pointer(codes), pointer(ids), pointer(scores), pointer(found), limit)
    # FAISS leaves -1 where it found fewer.
    hits = [(int(i), float(s)) for i, s in zip(found, scores, strict=True) if i >= 0]
    return sorted(hits, key=lambda hit: (-hit[1], hit[0]))


def _array(ids: set[int]) -> Ids:
    return np.fromiter(ids, np.int64, len(ids))


def _selector(ids: Ids) -> Any:
    """A FAISS selector of these ids, none of which is negative but in error."""
    ids = ids[ids >= 0]
    chosen = np.zeros(int(ids.max(initial=0)) + 1, bool)
    chosen[ids] = True
    return _bitmap(chosen)


def _all_but(revisions: Ids, last_id: int) -> Any:
    """A FAISS selector of all ids up to `last_id` but those of some revisions."""
    chosen = np.ones(max(last_id, int(revisions[:, 2].max())) + 1, bool)
    for _, first, last in revisions:
        chosen[first : last + 1] = False
    return _bitmap(chosen)


def _bitmap(chosen: npt.NDArray[np.bool_]) -> Any:
    import faiss

    bits = np.packbits(chosen, bitorder="little")
    selector: Any = faiss.IDSelectorBitmap(len(bits), faiss.swig_ptr(bits))
    selector.bits = bits  # which FAISS only points to
    return selector


def stored_codes(rows: VectorRows, dimension: int) -> Codes:
    """Stored vectors as they are, of shape (count, 2 × dimension); LibraryDamaged if they do not check."""
    again = "Run: citewell doctor --repair"
    if zlib.crc32(rows.data) != rows.crc32 or not rows.passage_ids:
        raise LibraryDamaged(f"stored vectors of revision {rows.revision_id} are damaged", again)
    if len(rows.data) != 2 * dimension * len(rows.passage_ids):
        raise LibraryDamaged(f"vectors of revision {rows.revision_id} do not fit its passages", again)
    return np.frombuffer(rows.data, np.uint8).reshape(len(rows.passage_ids), -1)


def stored_vectors(rows: VectorRows, dimension: int) -> Vectors:
    """Stored vectors as float32, of shape (count, dimension); LibraryDamaged if they do not check."""
    return stored_codes(rows, dimension).view("<f2").astype(np.float32)


def needs_snapshot(reader: Reader) -> bool:
    """Whether the tail, or what was removed, has outgrown the sealed file."""
    model = reader.model()
    if model is None:
        return False
    row = reader.snapshot(model[0])
    total = reader.vector_count(model[0])  # passages that still wait for theirs have no place in it
    if row is None or not row.file.endswith(SUFFIX):
        return total > 0
    alive = reader.passages_up_to(row.last_passage_id)
    stale = max(0, total - alive) + max(0, row.count - alive)
    # Vectors may come later than their passages.
    stale = max(stale, abs(total - row.count))
    return stale > max(_TAIL_FREE, _TAIL_SHARE * total)


def seal(library: Library, options: ClusterOptions | None = None) -> str | None:
    """Writes a file with every passage and makes it the current one; returns its name."""
    with library.read() as reader:
        model = reader.model()
        if model is None:
            return None
        generation, (model_id, fingerprint) = reader.generation(), model
        codes, ids, revisions = _everything(reader, model_id, fingerprint.dimension)
    layout = lay_out(codes, options or ClusterOptions())
    name = f"{generation}-{fingerprint.digest()}{SUFFIX}"
    with library.write() as writer:
        library.index_folder.mkdir(exist_ok=True)
        size, sha256 = write_sealed(library.index_folder / name, codes, ids, revisions, layout)
        last_id = int(ids.max(initial=0))
        replaced = writer.record_snapshot(model_id, name, size, sha256, len(ids), last_id)
        left_over = [p for p in _files(library.index_folder) if p.name not in (name, *replaced)]
        _delete(left_over)  # by a run that was killed; under the lock nobody else is writing one
    _delete([library.index_folder / old for old in replaced])
    return name


def _everything(reader: Reader, model_id: int, dimension: int) -> tuple[Codes, Ids, Ids]:
    """All rows, their passage ids, and the revisions with their first and last ones, as they are sealed."""
    count = reader.passages_up_to()
    codes, ids = np.empty((count, 2 * dimension), np.uint8), np.empty(count, np.int64)
    revisions, at = [], 0
    for rows in reader.vectors(model_id):
        end = at + len(rows.passage_ids)
        codes[at:end], ids[at:end] = stored_codes(rows, dimension), rows.passage_ids
        # The ids of a revision follow each other: they are given in one transaction.
        revisions.append((rows.revision_id, rows.passage_ids[0], rows.passage_ids[-1]))
        at = end
    order = sorted(revisions, key=lambda row: row[1])
    return codes[:at], ids[:at], np.array(order, np.int64).reshape(-1, 3)


def _files(folder: Path) -> list[Path]:
    """Sealed files and pieces of them, and the FAISS files that an older citewell wrote."""
    return [path for kind in (SUFFIX, ".faiss") for path in folder.glob(f"*{kind}*")]


def _delete(files: Iterable[Path]) -> None:
    for path in files:
        with suppress(OSError):  # the index does not need them gone; the next seal tries again
            path.unlink(missing_ok=True)
