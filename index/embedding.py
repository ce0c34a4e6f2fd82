"""Gives the passages that wait for them their vectors, a window of papers at a time.

What waits is decided by library.db alone: a text without vectors. So whoever was stopped, by the user or by a
power cut, goes on where it was, and loses at most the window that it was at. A text that was replaced or
removed meanwhile gets none.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence

import numpy as np

from index.embed import Embedder, Vectors, unit_vectors
from index.events import Advanced
from index.library import Library
from index.stored_vectors import Pending
from index.tally import Tally

_WINDOW = 128  # passages embedded before they are stored: twice as many waste 1 % less on padding
_BATCH = 64  # passages between two signs of life


def embed_pending(
    library: Library, embedder: Embedder, pending: Sequence[Pending], tally: Tally
) -> Generator[Advanced, None, None]:
    """Embeds and stores the passages of these texts, in this order; reports passages done."""
    done = 0
    for window in _windows(pending):
        with tally.timed("store"), library.read() as reader:
            inputs = reader.pending_inputs(text.revision_id for text in window)
        texts = [text for of_one in inputs.values() for text in of_one]
        # What was embedded elsewhere, replaced or removed meanwhile is done as well.
        before = done + sum(text.passages for text in window) - len(texts)
        vectors = np.empty((len(texts), embedder.fingerprint.dimension), np.float32)
        by_length = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for at in range(0, len(texts), _BATCH):
            batch = by_length[at : at + _BATCH]
            yield Advanced(before + at, "")
            with tally.timed("embed"):
                found = embedder.passages([texts[i] for i in batch])
                # Whoever made the embedder: what is not a vector of this model never reaches the library.
                vectors[batch] = unit_vectors(found, (len(batch), embedder.fingerprint.dimension))
        with tally.timed("store"):
            tally.embedded += _store(library, embedder, inputs, vectors)
        done = before + len(texts)
        yield Advanced(done, "")


def _windows(pending: Sequence[Pending]) -> Iterator[list[Pending]]:
    """Neighbouring texts with about _WINDOW passages together; each text is whole in one window."""
    window: list[Pending] = []
    for text in pending:
        window.append(text)
        if sum(other.passages for other in window) >= _WINDOW:
            yield window
            window = []
    if window:
        yield window


def _store(library: Library, embedder: Embedder, inputs: dict[int, list[str]], vectors: Vectors) -> int:
    """Commits the vectors of the texts that are still there; how many passages got theirs."""
    if not inputs:
        return 0
    stored, at = 0, 0
    with library.write() as writer:
        for revision_id, texts in inputs.items():
            if writer.put_vectors(revision_id, vectors[at : at + len(texts)], embedder.fingerprint):
                stored += len(texts)
            at += len(texts)
    return stored
