"""How many passages a second each backend embeds, and how well the backends agree.

    python -m benchmarks.encode --library DIR [--passages N] [--runs R]

Real passages of a library, drawn by their hashes, with the headers they are embedded with. Rates are taken in
turns and the best of R runs counts; "per core-second" divides by the processor time used, which other work on
the machine changes less. Agreement is with torch in float32: the smallest cosine, and the share of the ten
nearest among all these passages that stay, for the first fifty of them as queries in ONNX Runtime's float32.
Some 3,000 passages are encoded in all, so that two cores are done in two minutes. What `add` costs beside its
encoder, benchmarks.run tells.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.machine import keep, print_machine
from index.bert_openvino import OpenVinoEncoder, has_openvino
from index.chunk import passage_input
from index.embed import DEFAULT_MODEL, DEFAULT_SHA256, Embedder, Fingerprint, Vectors
from index.embed_onnx import EncoderEmbedder, EncoderFiles
from index.embed_torch import SentenceTransformerEmbedder
from index.embedders import bundled_model_folder
from index.library import Library

_QUERIES = 50


def texts_of(library: Path, wanted: int) -> list[str]:
    """What the encoder reads of `wanted` passages, the same ones every time."""
    with Library(library).read() as reader:
        papers = reader.papers()
        ids = [i for paper in papers for i in reader.passage_ids(paper.id)]
        ids.sort(key=lambda i: hashlib.sha256(str(i).encode()).digest())
        found = reader.passages(ids[:wanted])
    return [passage_input(found[i].header, found[i].text) for i in ids[:wanted]]


def backends() -> dict[str, Embedder]:
    """Those that compute the default model, by name; the first is what the others are compared with."""
    folder, fingerprint = bundled_model_folder(), Fingerprint(DEFAULT_MODEL, DEFAULT_SHA256, 384, 256)
    files = EncoderFiles.read(folder)
    assert files is not None
    shown: dict[str, Embedder] = {
        f"torch {precision}": SentenceTransformerEmbedder(
            DEFAULT_MODEL, folder=folder, fingerprint=fingerprint, precision=precision
        )
        for precision in ("float32", "bfloat16")
    }
    shown["onnxruntime float32"] = EncoderEmbedder(files, fingerprint)
    if has_openvino():
        shown["openvino bfloat16"] = EncoderEmbedder(files, fingerprint, OpenVinoEncoder)
    return shown


def timed(embedder: Embedder, texts: Sequence[str]) -> tuple[Vectors, float, float]:
    """The vectors, and passages a second by the clock and by the processor time."""
    wall, used = time.perf_counter(), time.process_time()
    found = embedder.passages(texts)
    return found, len(texts) / (time.perf_counter() - wall), len(texts) / (time.process_time() - used)


def nearest(queries: Vectors, passages: Vectors) -> list[set[int]]:
    """The ten nearest passages of each query."""
    return [set(row[:10]) for row in np.argsort(-(queries @ passages.T), axis=1).tolist()]


def overlap(one: list[set[int]], other: list[set[int]]) -> float:
    """The share that two lists of nearest ones have in common."""
    return float(np.mean([len(a & b) / len(a) for a, b in zip(one, other, strict=True)]))


def figures(texts: Sequence[str], runs: int) -> dict[str, dict[str, float]]:
    """Rates and agreement of every backend, by name."""
    shown = backends()
    for embedder in shown.values():
        embedder.passages(texts[:4])
    best = dict.fromkeys(shown, (0.0, 0.0))
    vectors: dict[str, Vectors] = {}
    for _ in range(runs):
        for name, embedder in shown.items():
            vectors[name], *rate = timed(embedder, texts)
            best[name] = max(best[name][0], rate[0]), max(best[name][1], rate[1])
    base, queries = vectors["torch float32"], vectors["onnxruntime float32"][:_QUERIES]
    return {
        name: {
            "per_second": round(best[name][0], 1),
            "per_core_second": round(best[name][1], 1),
            "smallest_cosine": round(float(np.einsum("ij,ij->i", found, base).min()), 6),
            "top10_kept": round(overlap(nearest(base[:_QUERIES], base), nearest(queries, found)), 4),
        }
        for name, found in vectors.items()
    }


def main() -> None:
    """The command line."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--library", type=Path, required=True)
    options.add_argument("--passages", type=int, default=256)
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--json", action="store_true", help="print the figures as JSON and keep nothing")
    given = options.parse_args()
    texts = texts_of(given.library, given.passages)
    if given.json:
        print(json.dumps({"passages": len(texts), "backends": figures(texts, given.runs)}))
        return
    print_machine()
    found = figures(texts, given.runs)
    print(f"{'':22}{'per s':>8}{'per core-s':>12}{'min cosine':>12}{'top-10 kept':>13}")
    for name, row in found.items():
        print(f"{name:22}{row['per_second']:8}{row['per_core_second']:12}"
              f"{row['smallest_cosine']:12.6f}{row['top10_kept']:13.4f}")  # fmt: skip
    print(f"kept in {keep('encode', {'passages': len(texts), 'backends': found})}")


if __name__ == "__main__":
    main()
