"""The result as a picture: how each stage ranks, and how much of what is relevant is found how deep."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from eval.measures import MAIN
from eval.results import Result
from eval.verifying import Verifying
from index.errors import DatasetError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DEPTHS = (5, 10, 100)


def draw(result: Result, path: Path) -> None:
    """Writes the picture; the file's ending says in which format."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    bars, curves = figure.subplots(1, 2)
    stages = list(result.stages)
    heights = [result.stages[stage][MAIN] for stage in stages]
    bounds = [result.intervals[stage].get(MAIN, (h, h)) for stage, h in zip(stages, heights, strict=True)]
    errors = (
        [max(0.0, h - low) for h, (low, _) in zip(heights, bounds, strict=True)],
        [max(0.0, high - h) for h, (_, high) in zip(heights, bounds, strict=True)],
    )
    drawn = bars.bar(stages, heights, yerr=errors, capsize=4, color="#4c78a8")
    bars.bar_label(drawn, [f"{h:.3f}" for h in heights], label_type="center", color="white")
    bars.set(ylim=(0, 1), ylabel=f"{MAIN}, 95 % interval")
    for stage in stages:
        curves.plot(
            [str(k) for k in _DEPTHS], [result.stages[stage][f"R@{k}"] for k in _DEPTHS], "o-", label=stage
        )
    curves.set(ylim=(0, 1.02), xlabel="results looked at", ylabel="recall")
    curves.legend(frameon=False)
    figure.suptitle(f"{result.dataset} · {result.split} · {result.queries:,} questions")
    _save(figure, path)


def draw_reliability(results: Sequence[Verifying], path: Path) -> None:
    """Score against the share that is supported, a line a set of claims: on the diagonal where the scores
    are honest."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="#999999", linewidth=1)
    for result in results:
        label = f"{result.dataset} ({result.claims:,}, AUROC {result.auroc:.2f})"
        axes.plot([b.score for b in result.bins], [b.supported for b in result.bins], "o-", label=label)
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="score of the verifier", ylabel="share that is supported")
    axes.legend(frameon=False)
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    try:
        figure.savefig(path)
    except (OSError, ValueError) as error:
        raise DatasetError(
            f"the plot cannot be written to {path}: {error}", "Use .svg, .png or .pdf."
        ) from error
