"""What came of a library's own questions, as a result that can be kept and compared."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from eval.measures import intervals, means
from eval.own import Own
from eval.results import Result, commit, machine

DATASET = "own-papers"


def own_result(found: Own, name: str, counts: dict[str, int], config: dict[str, Any]) -> Result:
    """The result of a finished run; `name` tells one library's questions from another's."""
    first = next(iter(next(iter(found.values.values())).values()))
    return Result(
        dataset=DATASET,
        split=name,
        unit="paper",
        queries=len(first),
        papers=counts["papers"],
        passages=counts["passages"],
        config=config,
        stages={stage: means(values) for stage, values in found.values.items()},
        intervals={stage: intervals(values) for stage, values in found.values.items()},
        timings_ms={},
        commit=commit(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=machine(),
        per_query=found.values,
    )
