"""How a model ranks the kept candidates, alone and blended with the fused ranks.

    python -m training.judge MODEL FILE... [--limit N] [--top 50]

MODEL is a folder with a PyTorch model, or one with citewell's ONNX export. The ranking that `citewell eval`
gives is made of the same blend; here the models change and the candidates stay.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from eval.measures import compare
from qa.rerank import OnnxReranker
from qa.retrieve import blend
from training.candidates import Row, read_rows

Score = Callable[[str, Sequence[str]], list[float]]
_WEIGHTS = (0.05, 0.1, 0.15)  # of a logit in the blend


def scorer(model: Path) -> Score:
    """A function from a question and texts to logits."""
    if (model / "model.onnx").is_file():
        return OnnxReranker(model, limit=10_000).score
    import torch

    from training.model import read_model

    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = read_model(model).eval().to(device)

    def score(question: str, texts: Sequence[str]) -> list[float]:
        with torch.inference_mode(), torch.autocast(device, dtype=torch.bfloat16):
            logits: torch.Tensor = network([question], [texts], 320)
        return [float(x) for x in logits[0]]

    return score


def ndcg(order: Sequence[int], row: Row, depth: int = 10) -> float:
    """nDCG at `depth` of candidates in this order; relevant ones that were not found count as missed."""
    if row.documents:  # a document counts where its first passage stands
        first: dict[int, int] = {}
        for i in order:
            first.setdefault(row.found[i].paper, i)
        order = list(first.values())
    gained = sum(row.found[i].relevant / math.log2(n + 2) for n, i in enumerate(order[:depth]))
    ideal = sum(1 / math.log2(n + 2) for n in range(min(depth, row.relevant)))
    return gained / ideal if ideal else 0.0


def judge(rows: Sequence[Row], score: Score, top: int) -> dict[str, dict[str, float]]:
    """nDCG@10 of each question by way of ranking."""
    found: dict[str, dict[str, float]] = {}

    def note(name: str, row: Row, order: Sequence[int]) -> None:
        found.setdefault(name, {})[row.id] = ndcg(order, row)

    for row in rows:
        fused = [(i, f.score) for i, f in enumerate(row.found)]
        logits = score(row.question, [f"{f.header}. {f.text}" for f in row.found[:top]])
        note("fused", row, [i for i, _ in fused])
        alone = sorted(range(len(logits)), key=lambda i: -logits[i])
        note("reranked", row, [*alone, *range(len(logits), len(fused))])
        for weight in _WEIGHTS:
            note(f"blended {weight:g}", row, [i for i, _ in blend(fused, logits, weight)])
    return found


def main() -> None:
    """The command line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("model", type=Path)
    options.add_argument("files", type=Path, nargs="+")
    options.add_argument("--limit", type=int)
    options.add_argument("--top", type=int, default=50)
    given = options.parse_args()
    score = scorer(given.model)
    for path in given.files:
        rows = read_rows(path)
        if given.limit and given.limit < len(rows):
            rows = [rows[i * len(rows) // given.limit] for i in range(given.limit)]
        found = judge(rows, score, given.top)
        print(f"{path.stem}: {len(rows)} questions, nDCG@10 (difference from fused, 95 %, p)")
        for name, values in found.items():
            d = compare(found["fused"], values)
            mean = float(np.mean(list(values.values())))
            print(f"  {name:16} {mean:.4f}  {d.mean:+.4f}  {d.low:+.4f} to {d.high:+.4f}  p {d.p:.4f}")


if __name__ == "__main__":
    main()
