"""What a draft's citations are worth, sentence by sentence, as lines and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.text import Text

from qa.check import CheckedCitation, CheckedSentence
from qa.export import VERDICT_WORDS
from qa.model import Verdict
from qa.references import short_name
from tui.clean import line
from tui.console import console, count, shortened
from tui.print_answer import MARKS
from tui.print_trace import place_json, place_line

_LONGEST = 300
_COLOURS = {"✓": "green", "~": "yellow", "✗": "red", "?": ""}


def print_checked(one: CheckedSentence) -> None:
    """A sentence with its line in the draft, its verdict, what speaks against it, and where to look."""
    out = console()
    mark = "✗" if one.wrong else MARKS[one.verdict]
    said = f"line {one.sentence.line}: {shortened(one.sentence.text, _LONGEST)}"
    out.print(Text.assemble((f"{mark} ", _COLOURS[mark]), (said, "bold")))
    out.print(Text(f"  {verdict_words(one)}"))
    for citation in one.citations:
        out.print(Text(f"  {_citation(citation)}", "red" if citation.problem else "cyan"))
    for quote in one.quotes:
        if quote.place is None and one.papers:
            out.print(Text(f"  ✗ not in the cited papers: “{shortened(quote.words, _LONGEST)}”", "red"))
    for near in one.nearest[:1]:
        out.print(Text(f"  nearest, not a quote · {place_line(near.place)} · {near.score:.2f}"))
        out.print(Text(f"    “{shortened(near.place.text, _LONGEST)}”"))
    out.print()


def verdict_words(one: CheckedSentence) -> str:
    """The verdict, its place or its reasons, in words."""
    words = VERDICT_WORDS[one.verdict]
    if one.place is not None:
        return f"{words} · {place_line(one.place)}"
    reasons = "; ".join(line(reason) for reason in one.reasons)
    return f"{words}: {reasons}" if reasons else words


def _citation(citation: CheckedCitation) -> str:
    shown = label(citation)
    if citation.paper is not None:
        return f"{shown} {line(short_name(citation.paper.record))} · {line(citation.paper.key)}"
    named = f": {shortened(citation.reference, 120)}" if citation.reference else ""
    return f"{shown} ✗ {citation.problem}{named}"


def label(citation: CheckedCitation) -> str:
    """The citation as the draft has it."""
    mark = citation.mark
    written = {"number": f"[{mark.label}]", "key": f"@{mark.label}", "author": f"({mark.label})"}
    return line(written[mark.kind])


def summary(found: Sequence[CheckedSentence]) -> dict[str, int]:
    """How many cited sentences there are, of each verdict, and how many need mending."""
    verdicts = Counter(one.verdict for one in found)
    missing = {label(c) for one in found for c in one.citations if c.problem}
    return {
        "sentences": len(found),
        **{str(verdict): verdicts[verdict] for verdict in Verdict},
        "misquoted": sum(any(q.place is None for q in one.quotes) for one in found if one.papers),
        "not_found": len(missing),
        "wrong": sum(one.wrong for one in found),
    }


def print_summary(found: Sequence[CheckedSentence]) -> None:
    """The counts in one line."""
    counts = summary(found)
    if not found:
        console().print("No sentence of this draft cites anything.")
        return
    parts = [count(counts["sentences"], "cited sentence")]
    parts += [f"{counts[str(v)]} {VERDICT_WORDS[v]}" for v in Verdict if counts[str(v)]]
    if counts["misquoted"]:
        parts.append(f"{counts['misquoted']} misquoted")
    if counts["not_found"]:
        parts.append(f"{count(counts['not_found'], 'citation')} without a paper")
    console().print(Text(" · ".join(parts), "bold"))


def checked_json(one: CheckedSentence) -> dict[str, Any]:
    """A checked sentence for programs."""
    return {
        "line": one.sentence.line,
        "text": one.sentence.text,
        "verdict": str(one.verdict),
        "reasons": list(one.reasons),
        "wrong": one.wrong,
        "citations": [
            {
                "label": label(c),
                "paper_id": c.paper.key if c.paper else None,
                "problem": str(c.problem) if c.problem else None,
                "reference": c.reference or None,
            }
            for c in one.citations
        ],
        "place": place_json(one.place) if one.place else None,
        "quotes": [{"words": q.words, "place": place_json(q.place) if q.place else None} for q in one.quotes],
        "nearest": [place_json(n.place) | {"score": n.score} for n in one.nearest],
    }
