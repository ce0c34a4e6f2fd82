"""Evaluations on the console: progress, and tables of measures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

from rich.table import Table
from rich.text import Text

from eval.measures import MAIN, Difference, intervals, means
from qa.model import Verdict
from tui.clean import line
from tui.console import console, count
from tui.progress import Progress

if TYPE_CHECKING:
    from eval.own import Own
    from eval.results import Result
    from eval.verifying import Verifying

Last = TypeVar("Last")
_WORST = 5
_SHOWN = ("R@10", "R@100", "RR@10", "success@5")  # all measures are in the JSON


def last_of(events: Iterable[object], kind: type[Last], *, quiet: bool) -> Last:
    """Pulls the stream to its end, shows its progress, and gives the event of this kind that it ends with."""
    with Progress(quiet=quiet) as progress:
        for event in events:
            if isinstance(event, kind):
                return event
            progress.show(event)
    raise AssertionError(f"the stream ended without {kind.__name__}")


def print_result(result: Result) -> None:
    """The table of stages, and beneath it what else was measured."""
    out = console()
    about = (
        f"{result.dataset} · {result.split} · {count(result.queries, 'question')} · "
        f"{count(result.papers, 'paper')} · {count(result.passages, 'passage')}"
    )
    out.print(Text(line(about), "bold"))
    out.print(_stages(result))
    for remark in _remarks(result):
        out.print(Text(line(remark)))


def _table(last: str = "") -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("stage")
    for name in (MAIN, "95 %", *_SHOWN, last):
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _row(stage: str, mean: Mapping[str, float], bounds: tuple[float, float], last: str = "") -> list[str]:
    shown = [f"{mean[name]:.3f}" for name in _SHOWN]
    return [stage, f"{mean[MAIN]:.3f}", f"{bounds[0]:.3f}–{bounds[1]:.3f}", *shown, last]


def _stages(result: Result) -> Table:
    table = _table("ms")
    for stage, values in result.stages.items():
        spent = result.timings_ms.get({"fused": "fuse", "reranked": "rerank"}.get(stage, stage))
        bounds = result.intervals[stage].get(MAIN, (0.0, 0.0))
        table.add_row(*_row(stage, values, bounds, f"{spent['median']:.0f}" if spent else ""))
    return table


def _remarks(result: Result) -> Iterable[str]:
    if "total" in result.timings_ms:
        total = result.timings_ms["total"]
        yield f"A question takes {total['median']:.0f} ms (median), {total['p95']:.0f} ms (95th percentile)."
    if result.reranker_read:
        yield f"The reranker had time for {result.reranker_read['median']:.0f} candidates (median)."
    for reason, number in result.unjudged.items():
        yield f"{count(number, 'question')} left out: {reason}."
    if result.split_quotes:
        yield f"{count(result.split_quotes, 'question')} judged by the passages that hold most of the quote."
    if result.failed:
        yield f"{count(len(result.failed), 'file')} of the dataset could not be read."
    if found := result.declining:
        yield (
            f"Declining, {count(found.questions, 'question')} asked with and without the paper: AUROC"
            f" {found.auroc:.3f}; {found.coverage_at_95_precision:.0%} answered at 95 % precision; as shipped"
            f" {found.answered:.0%} answered and {found.declined:.0%} of the unanswerable declined."
        )
    for evidence in result.evidence:
        given = "given the paper" if evidence.scope == "paper" else "from the whole library"
        yield (
            f"Quotes {given}, {count(evidence.questions, 'question')}: precision {evidence.precision:.3f},"
            f" recall {evidence.recall:.3f}, F1 {evidence.f1:.3f};"
            f" {evidence.exact:,} of {evidence.quotes:,} at their exact place."
        )
    if result.remark:
        yield result.remark


def print_differences(found: Mapping[str, Mapping[str, Difference]], *, err: bool = False) -> None:
    """By stage and measure: the mean difference, its interval, and whether it may be chance."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("stage", "measure", "B − A", "95 %", "p", "questions"):
        table.add_column(name, justify="left" if name in ("stage", "measure") else "right")
    for stage, by in found.items():
        for measure, d in by.items():
            mark = " *" if d.p < 0.05 else ""
            table.add_row(
                stage, measure, f"{d.mean:+.4f}{mark}", f"{d.low:+.4f} to {d.high:+.4f}", f"{d.p:.4f}",
                str(d.questions),
            )  # fmt: skip
    console(err=err).print(table)


def print_own(found: Own) -> None:
    """How well the library's own papers are found, and the worst of them."""
    out = console()
    asked = sum(paper.questions for paper in found.papers)
    out.print(
        Text(
            f"{count(asked, 'sentence')} of {count(len(found.papers), 'paper')}, each searched in the bodies",
            "bold",
        )
    )
    table = _table()
    for stage, values in found.values.items():
        table.add_row(*_row(stage, means(values), intervals(values).get(MAIN, (0.0, 0.0))))
    out.print(table)
    out.print(Text("Found worst:"))
    for paper in found.papers[:_WORST]:
        out.print(Text(line(f"  {paper.reciprocal_rank:.2f}  {paper.key}  {paper.title}")))
    if found.without_body:
        out.print(Text(f"{count(found.without_body, 'paper')} with a summary only: not asked."))


def print_verifying(found: Verifying) -> None:
    """How often the verdicts are right, and which verdict each kind of claim gets."""
    out = console()
    out.print(Text(line(f"{found.dataset} · {count(found.claims, 'claim')}"), "bold"))
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    names = [str(v) for v in Verdict if any(str(v) in by for by in found.verdicts.values())]
    table.add_column("the quote")
    for name in names:
        table.add_column(name, justify="right")
    for label, said in {
        "supported": "supports it",
        "contradicted": "contradicts it",
        "neither": "does neither",
    }.items():
        by = found.verdicts[label]
        table.add_row(said, *(str(by.get(name, 0)) for name in names))
    out.print(table)
    called = sum(by.get(name, 0) for by in found.verdicts.values() for name in ("verbatim", "supported"))
    trusted = (
        f"Called supported: {found.precision:.1%} rightly, and {found.recall:.1%} of those that are."
        if called
        else "None was called supported."
    )
    out.print(
        Text(
            f"{trusted} AUROC {found.auroc:.3f}"
            f" (by words, numbers and direction alone {found.auroc_words:.3f});"
            f" expected calibration error {found.calibration_error:.3f}."
        )
    )


def own_json(found: Own) -> dict[str, Any]:
    """The same for programs."""
    return {
        "stages": {stage: means(values) for stage, values in found.values.items()},
        "intervals": {stage: intervals(values) for stage, values in found.values.items()},
        "papers": [asdict(paper) for paper in found.papers],
        "without_body": found.without_body,
    }
