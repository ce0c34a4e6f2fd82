"""The result of an evaluation in characters: a table of stages, bars, and how it differs from the last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from eval.measures import MAIN
from tui.clean import line
from tui.times import when
from tui.widgets.ink import MUTED
from tui.widgets.place import counted

if TYPE_CHECKING:
    from eval.measures import Difference
    from eval.results import Result

Part = str | tuple[str, str]
_MEASURES = (MAIN, "95 %", "R@10", "R@100", "success@5", "ms")
_NARROW = 76  # columns below which only some of the measures fit
_STAGES = {
    "bm25": "by words", "dense": "by meaning", "fused": "both", "reranked": "read again",
}  # fmt: skip
_TIMED = {"fused": "fuse", "reranked": "rerank"}
_NAME = 12  # cells of a stage's name
_CHANCE = 0.05
_EIGHTHS = " ▏▎▍▌▋▊▉"


def about(result: Result) -> Content:
    """What was asked of what, and when."""
    said = " · ".join([
        counted(result.queries, "question"), counted(result.papers, "paper"),
        counted(result.passages, "passage"), when(result.created),
    ])  # fmt: skip
    return Content.assemble((line(result.dataset), "bold"), f" · {said}")


def table(result: Result, width: int) -> Content:
    """One line a stage; the figures that fit."""
    shown: tuple[str, ...] = (
        _MEASURES if width >= _NARROW else (MAIN, "R@10", "ms") if width >= 40 else (MAIN,)
    )
    shown = tuple(name for name in shown if name != "ms" or result.timings_ms)
    sizes = [max(len(name), 11 if name == "95 %" else 6) for name in shown]
    head = " " * _NAME + "".join(f"  {name:>{size}}" for name, size in zip(shown, sizes, strict=True))
    parts: list[Part] = [(head, f"bold {MUTED}")]
    for stage in result.stages:
        cells = "".join(f"  {_cell(result, stage, n):>{size}}" for n, size in zip(shown, sizes, strict=True))
        parts.append(f"\n{_STAGES.get(stage, stage):<{_NAME}}{cells}")
    return Content.assemble(*parts)


def _cell(result: Result, stage: str, name: str) -> str:
    if name == "95 %":
        bounds = result.intervals[stage].get(MAIN)
        return f"{bounds[0]:.3f}–{bounds[1]:.3f}" if bounds else ""
    if name == "ms":
        spent = result.timings_ms.get(_TIMED.get(stage, stage))
        return f"{spent['median']:.0f}" if spent else ""
    return f"{result.stages[stage].get(name, 0.0):.3f}"


def plot(result: Result, width: int, before: Result | None = None) -> Content:
    """A bar a stage, from 0 to 1; a mark where it ended before."""
    cells = max(8, min(60, width - _NAME - 10))
    parts: list[Part] = [(f"{MAIN}, from 0 to 1{' (│ before)' if before else ''}", MUTED)]
    for stage, values in result.stages.items():
        drawn = bar(values[MAIN], cells)
        at = _mark(before, stage, cells)
        left, mark, right = (drawn[:at], "│", drawn[at + 1 :]) if at is not None else (drawn, "", "")
        parts += [f"\n{_STAGES.get(stage, stage):<{_NAME}}  ", (left, "$text-accent"), (mark, "bold"),
                  (right, "$text-accent"), f" {values[MAIN]:.3f}"]  # fmt: skip
    return Content.assemble(*(part for part in parts if part and part[0]))


def bar(share: float, cells: int) -> str:
    """A bar in eighths of a cell, filled up with dots."""
    eighths = round(min(1.0, max(0.0, share)) * cells * 8)
    full, rest = divmod(eighths, 8)
    drawn = "█" * full + (_EIGHTHS[rest] if rest else "")
    return drawn + "·" * (cells - len(drawn))


def _mark(before: Result | None, stage: str, cells: int) -> int | None:
    if before is None or stage not in before.stages:
        return None
    return min(cells - 1, round(before.stages[stage].get(MAIN, 0.0) * cells))


def comparison(before: Result, found: Mapping[str, Mapping[str, Difference]]) -> Content:
    """How each stage differs from the last result, and whether that may be chance."""
    asked = max((by[MAIN].questions for by in found.values()), default=0)
    said = f"Against {when(before.created)}, on the {counted(asked, 'question')} that both asked:"
    parts: list[Part] = [(said, MUTED)]
    for stage, by in found.items():
        d = by[MAIN]
        parts.append(f"\n{_STAGES.get(stage, stage):<{_NAME}}  {d.mean:+.3f}  {_verdict(d)}")
    return Content.assemble(*parts)


def _verdict(d: Difference) -> str:
    if d.mean == 0 and d.low == d.high == 0:
        return "= the same"
    if d.p >= _CHANCE:
        return "~ may be chance"
    p = f"p {d.p:.3f}" if d.p >= 0.001 else "p < 0.001"
    return f"{'▲ better' if d.mean > 0 else '▼ worse'} ({p})"


def explained(stages: Sequence[str]) -> Content:
    """What the stages are, for who has not met them."""
    known = {
        "bm25": "by words: full-text search alone", "dense": "by meaning: the embedding model alone",
        "fused": "both: their scores put together",
        "reranked": "read again: the first ones in the order of the reranker, as answers use them",
    }  # fmt: skip
    return Content.styled("\n".join(known[stage] for stage in stages if stage in known), MUTED)
