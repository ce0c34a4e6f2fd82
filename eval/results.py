"""What an evaluation found, as one JSON file: kept under eval/results/, compared, and read by the gate."""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from eval.measures import MEASURES, Difference, compare, intervals, means
from eval.model import STAGES, Dataset
from eval.run import Ran, percentiles
from index.errors import DatasetError

_ABOUT = 12  # hex digits of a configuration's digest in file names


class Declining(BaseModel):
    """How well confidence separates questions whose paper is there from those whose paper is not."""

    questions: int
    auroc: float
    coverage_at_95_precision: float
    answered: float  # the part of answerable questions that is answered, at the shipped threshold
    declined: float  # the part of unanswerable questions that is declined


class Evidence(BaseModel):
    """How well quoted sentences agree with the sentences that experts marked."""

    questions: int
    precision: float
    recall: float
    f1: float
    scope: str  # "library": whatever the answer found; "paper": given the right paper
    quotes: int = 0  # shown in all
    exact: int = 0  # of these, so many stand in their paper at the very place that is cited


class Result(BaseModel):
    """One evaluation. `stages` holds means; `per_query` what they are means of."""

    dataset: str
    split: str
    unit: str
    queries: int
    unjudged: dict[str, int] = Field(default_factory=dict)  # by reason
    split_quotes: int = 0
    papers: int
    passages: int
    failed: list[dict[str, str]] = Field(default_factory=list)
    config: dict[str, Any]
    stages: dict[str, dict[str, float]]
    intervals: dict[str, dict[str, tuple[float, float]]]
    timings_ms: dict[str, dict[str, float]]
    reranker_read: dict[str, float] = Field(default_factory=dict)
    declining: Declining | None = None
    evidence: list[Evidence] = Field(default_factory=list)
    remark: str = ""
    commit: str = ""
    created: str = ""
    machine: dict[str, str] = Field(default_factory=dict)
    per_query: dict[str, dict[str, dict[str, float]]] = Field(default_factory=dict)

    def summary(self) -> dict[str, Any]:
        """All but the values of single questions."""
        return self.model_dump(mode="json", exclude={"per_query"})

    def file_name(self) -> str:
        """Keyed by dataset, split, commit and configuration."""
        digest = hashlib.sha256(json.dumps(self.config, sort_keys=True).encode()).hexdigest()[:_ABOUT]
        commit = self.commit or "no-commit"
        return f"{self.dataset}-{self.split}-{commit}-{digest}.json"


def result_of(dataset: Dataset, ran: Ran, config: dict[str, Any]) -> Result:
    """The result of a finished run."""
    reasons = sorted(set(ran.unjudged.values()))
    return Result(
        dataset=dataset.name,
        split=dataset.split,
        unit=dataset.unit,
        queries=len(ran.qrels),
        unjudged={reason: sum(r == reason for r in ran.unjudged.values()) for reason in reasons},
        split_quotes=ran.split_quotes,
        papers=ran.papers,
        passages=ran.passages,
        failed=ran.failed,
        config=config,
        stages={stage: means(ran.values[stage]) for stage in STAGES if stage in ran.values},
        intervals={stage: intervals(ran.values[stage]) for stage in STAGES if stage in ran.values},
        timings_ms={stage: percentiles(spent) for stage, spent in ran.milliseconds.items() if spent},
        reranker_read=percentiles([float(n) for n in ran.read]) if any(ran.read) else {},
        remark=dataset.remark,
        commit=commit(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=machine(),
        per_query=ran.values,
    )


def machine() -> dict[str, str]:
    """What the figures were measured with."""
    return {
        "python": platform.python_version(),
        "processor": platform.machine(),
        "citewell": version("citewell"),
        "faiss": version("faiss-cpu"),
        "sentence-transformers": version("sentence-transformers"),
    }


def commit() -> str:
    """The commit of the citewell that runs, with + for changes since; empty outside a checkout."""
    here = Path(__file__).resolve().parent
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--abbrev=10", "--exclude=*"],  # noqa: S607
            cwd=here, capture_output=True, text=True, timeout=10, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
    return found.stdout.strip()


def save(result: Result, folder: Path) -> Path:
    """Writes the result; the path it got."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / result.file_name()
    path.write_text(result.model_dump_json(indent=1) + "\n", "utf-8")
    return path


def read(path: Path) -> Result:
    """A saved result; DatasetError if the file is none."""
    try:
        return Result.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}", "Check the path.") from error
    except ValidationError as error:
        raise DatasetError(
            f"{path} is no result of citewell eval", "Name a file that citewell eval wrote."
        ) from error


def differences(a: Result, b: Result) -> dict[str, dict[str, Difference]]:
    """By stage and measure how b differs from a; DatasetError if they share no question."""
    if a.dataset != b.dataset:
        raise DatasetError(f"{a.dataset} and {b.dataset} are two datasets", "Compare results of one.")
    found = {
        stage: {m: compare(_of(a, stage, m), _of(b, stage, m)) for m in MEASURES}
        for stage in STAGES
        if stage in a.per_query and stage in b.per_query
    }
    if not any(difference.questions for by in found.values() for difference in by.values()):
        raise DatasetError("the two results share no stage or no question", "Run both with the same --split.")
    return found


def _of(result: Result, stage: str, measure: str) -> Mapping[str, float]:
    return result.per_query[stage].get(measure, {})


def worse(found: Mapping[str, Mapping[str, Difference]], measure: str, p: float = 0.05) -> list[str]:
    """The stages that got significantly worse."""
    return [stage for stage, by in found.items() if by[measure].mean < 0 and by[measure].p < p]


def write_trec(ran: Ran, folder: Path, name: str) -> list[Path]:
    """qrels and a run file for each stage, as trec_eval reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.qrels"]
    paths[0].write_text(
        "".join(f"{q} 0 {doc} {grade}\n" for q, docs in ran.qrels.items() for doc, grade in docs.items()),
        "utf-8",
    )
    for stage, by_question in ran.runs.items():
        lines = [
            f"{question} Q0 {doc} {rank} {score:g} citewell-{stage}\n"
            for question, docs in by_question.items()
            for rank, (doc, score) in enumerate(docs.items(), start=1)
        ]
        paths.append(folder / f"{name}.{stage}.run")
        paths[-1].write_text("".join(lines), "utf-8")
    return paths


def read_trec_run(path: Path) -> dict[str, dict[str, float]]:
    """A run file as questions, documents and scores; DatasetError names a line that is wrong."""
    run: dict[str, dict[str, float]] = {}
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        fields = line.split()
        try:
            run.setdefault(fields[0], {})[fields[2]] = float(fields[4])
        except (IndexError, ValueError) as error:
            raise DatasetError(f"{path.name}, line {number} is no line of a run", "Six fields.") from error
    return run
