"""An evaluation as one stream of events, for the screen: build, ask, keep, compare with the last."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.events import StageStarted

if TYPE_CHECKING:
    from eval.measures import Difference
    from eval.model import Dataset
    from eval.results import Result
    from tui.parts import Parts

STAGES = ("bm25", "dense", "fused", "reranked")


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked: a dataset, or the library's own papers where `place` is None."""

    name: str
    place: Path | None = None
    questions: int | None = None
    last: Result | None = None  # what was kept of it


@dataclass(frozen=True, slots=True)
class Measured:
    """The last event. `before` is the result that was kept last, `found` how the new one differs from it."""

    result: Result
    kept: str
    before: Result | None = None
    found: Mapping[str, Mapping[str, Difference]] = field(default_factory=dict)


def own_target(parts: Parts) -> Target:
    """The library's own papers."""
    from eval.own_result import DATASET
    from tui.eval_parts import cache_folder, latest_result

    last = latest_result(cache_folder() / "results", DATASET, _own_name(parts))
    return Target("your own papers", None, None, last)


def dataset_target(place: Path) -> Target:
    """A dataset; DatasetError says why it is none."""
    from tui.eval_parts import latest_result, results_folder

    dataset = _loaded(place)
    last = latest_result(results_folder(None), dataset.name, dataset.split)
    return Target(f"{dataset.name} ({dataset.split})", place, len(dataset.questions), last)


def measuring(parts: Parts, target: Target, limit: int) -> Generator[Any, None, None]:
    """Asks up to `limit` questions, keeps the result, and ends with Measured."""
    if target.place is None:
        return _own(parts, limit)
    return _dataset(parts, target.place, limit)


def _own(parts: Parts, limit: int) -> Generator[Any, None, None]:
    from eval.own import Own, measure_own
    from eval.own_result import own_result
    from tui.eval_parts import cache_folder, config_of

    yield StageStarted("loading the model")
    for event in measure_own(parts, STAGES, limit):
        if isinstance(event, Own):
            with parts.library.read() as reader:
                counts = reader.counts()
            result = own_result(event, _own_name(parts), counts, config_of(parts, (), limit))
            yield StageStarted("comparing")
            # In the cache even within a checkout: the names of the user's papers are in it.
            yield _kept(result, cache_folder() / "results")
        else:
            yield event


def _dataset(given: Parts, place: Path, limit: int) -> Generator[Any, None, None]:
    from eval.results import result_of
    from eval.run import Ran, run
    from tui.eval_parts import config_of, dataset_parts, results_folder

    yield StageStarted("reading the questions")
    dataset = _loaded(place)
    with dataset_parts(given, dataset, (), STAGES) as (parts, folder):
        for event in run(dataset, folder, parts, stages=STAGES, limit=limit):
            if isinstance(event, Ran):
                yield StageStarted("comparing")
                result = result_of(dataset, event, config_of(parts, (), limit))
                yield _kept(result, results_folder(None))
            else:
                yield event


def _kept(result: Result, folder: Path) -> Measured:
    from eval.results import differences, save
    from index.errors import DatasetError
    from tui.eval_parts import latest_result

    before = latest_result(folder, result.dataset, result.split)
    found: Mapping[str, Mapping[str, Difference]] = {}
    if before is not None:
        try:
            found = differences(before, result)
        except DatasetError:
            before = None  # no question in common
    return Measured(result, str(save(result, folder)), before, found)


def _loaded(place: Path) -> Dataset:
    from eval.datasets import load

    with suppress(RuntimeError):  # "~" and the name of nobody
        place = place.expanduser()
    return load(place)


def _own_name(parts: Parts) -> str:
    where = str(parts.library.folder.absolute())
    return f"{parts.library.folder.name}-{hashlib.sha256(where.encode()).hexdigest()[:8]}"
