"""How good the passages are that a tool found: nDCG@10 and success@5."""

from __future__ import annotations

import json
from pathlib import Path

Hits = dict[str, list[list[str]]]  # by question, best first: a name; or name, paper and text


def quality(work: Path, tool: str) -> dict[str, float]:
    """Means over the questions, by the names of the passages; of a tool with passages of its own only
    success@5, since how many of its passages are right is not known."""
    hits: Hits = json.loads((work / f"hits-{tool}.json").read_text("utf-8"))
    qrels = json.loads((work / "qrels.json").read_text("utf-8"))
    if any(len(hit) > 1 for found in hits.values() for hit in found):
        return {"success@5": success_of_texts(hits, json.loads((work / "quotes.json").read_text("utf-8")))}
    return of_names(hits, qrels)


def of_names(hits: Hits, qrels: dict[str, dict[str, int]]) -> dict[str, float]:
    """As `citewell eval` computes them."""
    from eval.measures import means, per_query

    run = {
        question: {hit[0]: float(len(found) - place) for place, hit in enumerate(found)}
        for question, found in hits.items()
        if found
    }
    values = means(per_query(qrels, run))
    return {name: values[name] for name in ("nDCG@10", "success@5")}


def success_of_texts(hits: Hits, quotes: dict[str, list[list[str]]]) -> float:
    """The share of questions with a quote's letters and digits in one of the first five texts found."""
    from qa.locate import letters_key

    right = 0
    for question, wanted in quotes.items():
        keys = [(paper, letters_key(text)) for paper, text in hits_of(hits, question)[:5]]
        right += any(
            paper == where and letters_key(quote) in key for where, quote in wanted for paper, key in keys
        )
    return round(right / len(quotes), 4) if quotes else 0.0


def hits_of(hits: Hits, question: str) -> list[tuple[str, str]]:
    """Paper and text of what was found for a question."""
    return [(paper, text) for _, paper, text in hits.get(question, [])]
