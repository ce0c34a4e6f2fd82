"""citewell eval: measures retrieval, and what stands on it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tui.diagnostics import Exit, note
from tui.options import as_json, make_parts, place

if TYPE_CHECKING:
    from eval.model import Dataset
    from eval.results import Result
    from qa.retrieve import RetrievalOptions
    from tui.parts import Parts

_STAGES = ("bm25", "dense", "fused", "reranked")


@click.command("eval", short_help="Measure how well questions find their passages.")
@click.argument("dataset", required=False, type=click.Path(path_type=Path))
@click.option("--split", metavar="NAME", help="Which part of the dataset; all for every part.")
@click.option("--limit", metavar="N", type=click.IntRange(1), help="Ask N questions, spread over the split.")
@click.option(
    "--stages",
    metavar="NAMES",
    default=",".join(_STAGES),
    show_default=True,
    help="Which rankings to measure.",
)
@click.option(
    "--distractors",
    metavar="FOLDER",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Papers to add that answer nothing; may be repeated.",
)
@click.option(
    "--declining",
    metavar="N",
    type=click.IntRange(2),
    help="Ask N questions also without their paper: is that noticed?",
)
@click.option(
    "--evidence",
    metavar="N",
    type=click.IntRange(1),
    help="Hold the quotes of N answers against the dataset's.",
)
@click.option("--verifier", is_flag=True, help="Judge the dataset's claims: are the verdicts right?")
@click.option("--own", is_flag=True, help="Questions made from the library's own papers.")
@click.option(
    "--compare",
    nargs=2,
    metavar="A B",
    type=click.Path(path_type=Path),
    help="Two saved results: is B better?",
)
@click.option(
    "--baseline",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Fail (exit 1) if a stage is significantly worse than in this result.",
)
@click.option(
    "--results",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Where to keep the result (default: eval/results here, else the cache).",
)
@click.option(
    "--trec",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Write run and qrels files that trec_eval reads.",
)
@click.option(
    "--plot", metavar="FILE", type=click.Path(path_type=Path), help="Draw the result: .svg, .png, .pdf."
)
@click.option(
    "--set",
    "settings",
    metavar="NAME=VALUE",
    multiple=True,
    help="Try another retrieval option, e.g. dense_share=0.5; may be repeated.",
)
@as_json
@place
def evaluate(
    dataset: Path | None, own: bool, compare: tuple[Path, Path] | None, limit: int | None, stages: str,
    as_json: bool, library: Path | None, model: str | None, **options: Any,
) -> int:  # fmt: skip
    """Ask every question of DATASET, a folder in the layout of BEIR, of ev2 (papers and questions.jsonl) or
    of SQuAD, through the same retrieval that `ask` uses, and measure each stage of it.

    Papers are read and embedded once, into a library of their own; the next run uses it again.
    """
    chosen = _stages(stages)
    if sum((dataset is not None, own, compare is not None)) != 1:
        raise click.UsageError("name one of: a DATASET, --own, or --compare A B")
    if compare is not None:
        return _compare(*compare, as_json=as_json)
    with make_parts(library, model) as parts:
        parts.retrieval = _changed(parts.retrieval, options["settings"])
        if own:
            return _own(parts, chosen, limit or 500, as_json=as_json)
        assert dataset is not None
        if options["verifier"]:
            return _verifier(dataset, parts, limit, options, as_json=as_json)
        return _dataset(dataset, parts, chosen, limit, options, as_json=as_json)


def _changed(options: RetrievalOptions, changes: tuple[str, ...]) -> RetrievalOptions:
    """The options with these changes; click.BadParameter for a name or a value that is none."""
    from pydantic import TypeAdapter, ValidationError

    values = asdict(options)
    for change in changes:
        name, _, value = change.partition("=")
        if name not in values:
            raise click.BadParameter(f"there is {', '.join(values)}", param_hint="--set")
        values[name] = value
    try:
        return TypeAdapter(type(options)).validate_python(values)
    except ValidationError as error:
        raise click.BadParameter(str(error.errors()[0]["msg"]), param_hint="--set") from error


def _stages(text: str) -> tuple[str, ...]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in _STAGES]
    if unknown or not names:
        raise click.BadParameter(f"there is {', '.join(_STAGES)}", param_hint="--stages")
    return tuple(name for name in _STAGES if name in names)


def _dataset(
    place: Path, given: Parts, stages: tuple[str, ...], limit: int | None, options: dict[str, Any],
    *, as_json: bool,
) -> int:  # fmt: skip
    from eval.datasets import load
    from eval.results import differences, read, save, worse, write_trec
    from tui.eval_parts import config_of, dataset_parts, results_folder
    from tui.print_eval import print_differences, print_result

    baseline = read(options["baseline"]) if options["baseline"] else None
    loaded = load(place, options["split"])
    distractors = tuple(_checked(options["distractors"]))
    with dataset_parts(given, loaded, distractors, stages) as (parts, folder):
        config = config_of(parts, distractors, limit)
        result, ran = _measure(loaded, folder, parts, distractors, stages, limit, options, config, as_json)
    saved = save(result, results_folder(options["results"]))
    if options["trec"]:
        write_trec(ran, options["trec"], f"{result.dataset}-{result.split}")
    if options["plot"]:
        from eval.plot import draw

        draw(result, options["plot"])
    if as_json:
        click.echo(json.dumps(result.summary(), indent=1))
    else:
        print_result(result)
    note(f"kept in {saved}")
    if baseline is None:
        return Exit.OK
    found = differences(baseline, result)
    print_differences(found, err=True)
    lost = worse(found, "nDCG@10")
    note(
        f"significantly worse than the baseline: {', '.join(lost)}" if lost else "not worse than the baseline"
    )
    return Exit.ERROR if lost else Exit.OK


def _measure(
    dataset: Dataset, folder: Path, parts: Parts, distractors: tuple[Path, ...], stages: tuple[str, ...],
    limit: int | None, options: dict[str, Any], config: dict[str, Any], quiet: bool,
) -> tuple[Result, Any]:  # fmt: skip
    from eval.declining import Confidences, measure_declining
    from eval.evidence import measure_evidence
    from eval.results import Evidence, result_of
    from eval.run import Ran, run, sample
    from tui.print_eval import last_of

    ran = last_of(
        run(dataset, folder, parts, distractors=distractors, stages=stages, limit=limit), Ran, quiet=quiet
    )
    result = result_of(dataset, ran, config)
    judged = [question for question in dataset.questions if question.id in ran.qrels]
    if options["declining"]:
        asked = sample(judged, options["declining"])
        result.declining = last_of(measure_declining(asked, parts), Confidences, quiet=quiet).measured()
    if options["evidence"]:
        asked = sample([question for question in judged if question.quotes], options["evidence"])
        if not asked:
            note("this dataset marks no evidence sentences: --evidence is left out")
        for given in (False, True) if asked else ():
            events = measure_evidence(asked, parts, given_paper=given)
            result.evidence.append(last_of(events, Evidence, quiet=quiet))
    return result, ran


def _verifier(place: Path, parts: Parts, limit: int | None, options: dict[str, Any], *, as_json: bool) -> int:
    from eval.claims import load_claims
    from eval.run import sample
    from eval.verifying import Verifying, measure_verifier
    from tui.print_eval import last_of, print_verifying

    claims = sample(load_claims(place, options["split"], parts.parse), limit)
    found = last_of(measure_verifier(place.name, claims, parts.verifier), Verifying, quiet=as_json)
    if options["plot"]:
        from eval.plot import draw_reliability

        draw_reliability([found], options["plot"])
    if as_json:
        click.echo(json.dumps(found.as_json(), indent=1))
    else:
        print_verifying(found)
    return Exit.OK


def _checked(paths: tuple[Path, ...]) -> list[Path]:
    from index.sources import check_path

    return [check_path(path) for path in paths]


def _own(parts: Parts, stages: tuple[str, ...], limit: int, *, as_json: bool) -> int:
    from eval.own import Own, measure_own
    from tui.print_eval import last_of, own_json, print_own

    found = last_of(measure_own(parts, stages, limit), Own, quiet=as_json)
    if as_json:
        click.echo(json.dumps(own_json(found), ensure_ascii=False, indent=1))
    else:
        print_own(found)
    return Exit.OK


def _compare(first: Path, second: Path, *, as_json: bool) -> int:
    from eval.results import differences, read
    from tui.print_eval import print_differences

    found = differences(read(first), read(second))
    if as_json:
        rows = {stage: {m: asdict(d) for m, d in by.items()} for stage, by in found.items()}
        click.echo(json.dumps(rows, indent=1))
    else:
        print_differences(found)
    return Exit.OK
