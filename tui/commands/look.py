"""citewell papers, show, status and doctor: what only looks."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tui.diagnostics import Exit
from tui.options import as_json, listed, make_parts, place

if TYPE_CHECKING:
    from index.reader import Reader


@click.command(short_help="List the papers, or the files that failed.")
@click.option("--failed", is_flag=True, help="List the files that gave no paper, with the reasons.")
@click.option("--cited-by", metavar="PAPER", help="List what this paper cites, a line each, its id first.")
@click.option("--missing", is_flag=True, help="With --cited-by: only what the library lacks.")
@click.option("--tag", "tags", metavar="TAGS", multiple=True, help="Only papers with one of these tags.")
@as_json
@place
def papers(
    failed: bool,
    cited_by: str | None,
    missing: bool,
    tags: tuple[str, ...],
    as_json: bool,
    library: Path | None,
    model: str | None,
) -> int:
    """List the papers of the library, the files that failed, or what a paper cites."""
    from tui.jsonout import paper_json
    from tui.print_library import print_failures, print_papers

    if missing and cited_by is None:
        raise click.UsageError("--missing goes with --cited-by PAPER.")
    with make_parts(library, model) as parts, parts.library.read() as reader:
        if cited_by is not None:
            _print_cited(reader, cited_by, missing=missing, as_json=as_json)
            return Exit.OK
        if failed:
            sources, requests = reader.sources(status="failed"), reader.requests(status="failed")
            if as_json:
                rows = [{"path": s.path, "reason": s.reason, "hint": s.hint} for s in sources]
                rows += [{"asked": r.name, "reason": r.reason, "hint": r.hint} for r in requests]
                click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
            else:
                print_failures(sources, requests)
            return Exit.OK
        found = reader.papers(tagged=listed(tags))
        if as_json:
            click.echo(json.dumps([paper_json(paper) for paper in found], ensure_ascii=False, indent=2))
        else:
            print_papers(found, reader.counts()["failed"], len(reader.requests(status="failed")))
    return Exit.OK


def _print_cited(reader: Reader, name: str, *, missing: bool, as_json: bool) -> None:
    from index.cited import cited_by
    from tui.print_library import print_cited

    found = [one for one in cited_by(reader, name) if not (missing and one.key)]
    if as_json:
        rows = [
            {
                "label": one.reference.label,
                "text": one.reference.text,
                **asdict(one.wanted.ids),
                "paper_id": one.key,
            }
            for one in found
        ]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    else:
        print_cited(found, missing=missing)


@click.command(short_help="Show a paper's record, sections or text.")
@click.argument("paper")
@click.option("--text", "only_text", is_flag=True, help="Print the paper's text, into which offsets point.")
@as_json
@place
def show(paper: str, only_text: bool, as_json: bool, library: Path | None, model: str | None) -> int:
    """Show PAPER (its key, DOI, PMCID, file or the beginning of its title): record, sections, text."""
    from tui.clean import clean
    from tui.jsonout import paper_json
    from tui.print_library import print_paper

    with make_parts(library, model) as parts, parts.library.read() as reader:
        found = reader.find_paper(paper)
        text = reader.text(found.id)
        sections, pages = reader.sections(found.id), reader.pages(found.id)
        references, entities = reader.lists(found.id)
        served = next((r for r in reader.requests(status="served") if r.path in found.paths), None)
    if as_json:
        shown = paper_json(found) | {
            "served_by": served.service if served else None,
            "served_from": served.url if served else None,
            "text": text,
            "sections": [
                {"heading": s.heading, "kind": str(s.kind), "start": s.span.start, "end": s.span.end}
                for s in sections
            ],
            "pages": [{"page": p.number, "start": p.span.start, "end": p.span.end} for p in pages],
            "references": [
                {"label": r.label, "text": r.text, "doi": r.doi, "pmid": r.pmid} for r in references
            ],
            "entities": [{"kind": e.kind, "name": e.name, "identifier": e.identifier} for e in entities],
        }
        click.echo(json.dumps(shown, ensure_ascii=False, indent=2))
    elif only_text:
        # To the letter, and no newline behind it, where a program reads: offsets and length hold.
        sys.stdout.write(clean(text) + "\n" if sys.stdout.isatty() else text)
        sys.stdout.flush()
    else:
        print_paper(found, sections, len(text), len(pages), len(references), served)
    return Exit.OK


@click.command(short_help="Say what the library holds.")
@as_json
@place
def status(as_json: bool, library: Path | None, model: str | None) -> int:
    """Say what the library holds, where it is and which model it uses."""
    from tui.print_library import print_status

    with make_parts(library, model) as parts:
        with parts.library.read() as reader:
            counts, built_with, roots = reader.counts(), reader.model(), reader.roots()
            generation, pending = reader.generation(), reader.pending()
        size = sum(path.stat().st_size for path in parts.library.folder.rglob("*") if path.is_file())
        shown = {
            "library": str(parts.library.folder.absolute()),
            **counts,
            "pending_papers": len(pending),
            "pending_passages": sum(text.passages for text in pending),
            "generation": generation,
            "model": built_with[1].name if built_with else None,
            "dimension": built_with[1].dimension if built_with else None,
            "bytes": size,
            "follows": [path for path, _ in roots],
        }
    if as_json:
        click.echo(json.dumps(shown, ensure_ascii=False, indent=2))
    else:
        print_status(shown)
    return Exit.OK


@click.command(short_help="Check the library, and repair it.")
@click.option("--repair", is_flag=True, help="Rebuild what can be rebuilt.")
@as_json
@place
def doctor(repair: bool, as_json: bool, library: Path | None, model: str | None) -> int:
    """Check everything the library promises: places, vectors, full text, stored copies."""
    from index.doctor import examine
    from tui.print_library import print_finding

    findings = []
    with make_parts(library, model) as parts:
        for finding in examine(parts.library, repair=repair):
            findings.append(finding)
            if not as_json:
                print_finding(finding)
    if as_json:
        rows = [{"check": f.check, "ok": f.ok, "problems": list(f.problems)} for f in findings]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    return Exit.OK if all(f.ok for f in findings) else Exit.ERROR
