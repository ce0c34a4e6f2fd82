"""Writes the claims that the verifier is trained on: a claim, a ground, and what the ground does to it.

    python -m training.claims OUT FOLDER [--split S] [--papers N] [--hold-out SHARE] [--keep in|out]

FOLDER is a dataset with claims (`eval.claims`), or a folder of papers: then sentences label themselves. Taken
over shortened they are supported, turned into their opposite or given another number they are contradicted,
and on another sentence of the same paper they are neither. Papers are held out by their names' hashes.
"""

from __future__ import annotations

import argparse
import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

from pydantic import TypeAdapter

from eval.claim_forms import contradicted, misnumbered, shortened
from eval.claims import Claim, Label, load_claims
from index.errors import CitewellError
from index.model import Paper, SectionKind
from index.parse import parse
from index.parse.pdf import PdfParser
from index.sentences import sentence_spans
from qa.verify import Ground
from qa.words import content_words, stem, stems

CLAIM = TypeAdapter(Claim)
_WORDS = (10, 50)
_FROM_A_PAPER = 6  # sentences


def read_claims(path: Path) -> list[Claim]:
    """The claims of a file that this module wrote."""
    with path.open("rb") as lines:
        return [CLAIM.validate_json(line) for line in lines]


def is_held_out(paper: str, share: float) -> bool:
    """Whether a paper belongs to the share that is never trained on."""
    return int(hashlib.sha256(paper.encode()).hexdigest()[:8], 16) / 0x1_0000_0000 < share


def own_words(paper: Paper, name: str, rng: random.Random) -> Iterator[Claim]:
    """Claims made of a paper's own sentences, on these and on others."""
    sentences: list[tuple[str, str]] = []
    for section in paper.sections:
        if section.kind in (SectionKind.ABSTRACT, SectionKind.BODY):
            for span in sentence_spans(paper.text, section.span):
                text = " ".join(span.of(paper.text).split())
                if _WORDS[0] <= len(text.split()) <= _WORDS[1] and text.endswith("."):
                    sentences.append((f"{paper.record.title} › {section.heading}", text))
    held = [stems(text) for _, text in sentences]
    for at in rng.sample(range(len(sentences)), min(_FROM_A_PAPER, len(sentences))):
        header, quote = sentences[at]
        said = shortened(quote, rng)
        ground = Ground(quote, quote, header)
        yield Claim(f"{name}-{at}-same", said, ground, Label.SUPPORTED, name)
        made = contradicted(said, rng) if rng.random() < 0.8 else misnumbered(said, rng)
        if made:
            yield Claim(f"{name}-{at}-turned", made, ground, Label.CONTRADICTED, name)
        other = max(
            (n for n in range(len(sentences)) if n != at), key=lambda n: len(held[at] & held[n]), default=at
        )
        if len(held[at] & held[other]) < 0.6 * len(stems(said)) and other != at:
            near = sentences[other]
            yield Claim(f"{name}-{at}-other", said, Ground(near[1], near[1], near[0]), Label.NEITHER, name)
        if swapped := _swapped(said, quote, sentences[rng.randrange(len(sentences))][1], rng):
            yield Claim(f"{name}-{at}-swapped", swapped, ground, Label.NEITHER, name)


def _swapped(claim: str, quote: str, other: str, rng: random.Random) -> str | None:
    """The claim with one of its long words replaced by a long word that the quote does not hold."""
    long = [w for w in content_words(claim) if len(w) > 5 and f" {w} " in claim]
    known = stems(quote)
    new = [w for w in content_words(other) if len(w) > 5 and stem(w) not in known]
    return claim.replace(f" {rng.choice(long)} ", f" {rng.choice(new)} ", 1) if long and new else None


def _from_papers(folder: Path, most: int, parser: PdfParser, rng: random.Random) -> Iterator[Claim]:
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".nxml", ".xml", ".md"))
    for path in rng.sample(files, min(most, len(files))):
        try:
            paper = parse(path.read_bytes(), path.name, parser)
        except CitewellError:
            continue
        yield from own_words(paper, path.stem, rng)


def main() -> None:
    """The command line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("out", type=Path)
    options.add_argument("folder", type=Path)
    options.add_argument("--split")
    options.add_argument("--papers", type=int, default=0, help="make claims of so many papers' own sentences")
    options.add_argument("--hold-out", type=float, default=0.0)
    options.add_argument(
        "--keep", choices=("in", "out"), default="in", help="the papers to train on, or the rest"
    )
    given = options.parse_args()
    parser = PdfParser()
    rng = random.Random(5)
    claims: Iterator[Claim] = (
        _from_papers(given.folder, given.papers, parser, rng)
        if given.papers
        else iter(load_claims(given.folder, given.split, lambda data, name: parse(data, name, parser)))
    )
    given.out.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with given.out.open("wb") as out:
        for claim in claims:
            if is_held_out(claim.paper, given.hold_out) == (given.keep == "out"):
                out.write(CLAIM.dump_json(claim) + b"\n")
                count += 1
    parser.close()
    print(f"{count} claims")


if __name__ == "__main__":
    main()
