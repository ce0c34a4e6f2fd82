"""Questions that label themselves, made from the papers of a library: more kinds of them than any dataset.

    python -m training.selfsup OUT DATASET [--papers] [--limit N] [--seed S] [--cache DIR]

DATASET is a dataset or, with --papers, any folder of papers.

Two sources: a sentence of an abstract, answered by the body passage of that paper that shares most of its
rare words; and a sentence taken out of its passage, answered by what is left of the passage. Each is asked
as it stands, as keywords, as a claim cut short, or as a short question. Candidates are those that our own
retriever finds for the words as asked, so that the negatives are the ones it will meet.
"""

from __future__ import annotations

import argparse
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from eval.datasets import load
from eval.model import Dataset, Material
from index.model import SectionKind
from index.reader import Reader, StoredPaper, StoredPassage
from index.sentences import sentence_spans
from qa.words import content_words, stem, stems
from training.candidates import DEPTH, Found, Row, candidates, library_parts, write_rows
from tui.eval_parts import cache_folder
from tui.parts import Parts

_WORDS = (8, 45)
_SHARED = 0.45  # of the sentence's stems that a body passage must hold to say the same
_SAME = 0.6  # from which another passage may well answer too, and is no negative
_VERB = re.compile(
    r"\b(is|are|was|were|has|have|had|can|could|may|might|will|should|"
    r"\w{3,}(?:ed|uces|eases|otes|ibits|ows|ains|ects|uires|vides|mits))\b"
)
_AUXILIARY = frozenset("is are was were has have had can could may might will should".split())
_ASKING = (
    "what is known about {}?", "is there evidence on {}?", "how are {} related?", "{}?", "what about {}?",
    "which findings are reported for {}?", "does it matter: {}?",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Asked:
    """A made question, the passage that answers it, and what of that passage may be read."""

    text: str
    source: str  # the sentence it was made of
    answer: int
    remaining: str | None  # the passage without the sentence; None for the whole passage


def rephrased(sentence: str, rng: random.Random) -> str:
    """The sentence in one of the forms in which people ask."""
    words = content_words(sentence)
    form = rng.choice(("whole", "keywords", "question", "clause", "asked", "asked"))
    if form == "asked":
        return asked(sentence, rng) or sentence
    if form == "keywords":
        kept = sorted(rng.sample(range(len(words)), min(len(words), rng.randint(3, 8))))
        return " ".join(words[i] for i in kept)
    if form == "question":
        kept = sorted(rng.sample(range(len(words)), min(len(words), rng.randint(2, 5))))
        return rng.choice(_ASKING).format(" ".join(words[i] for i in kept))
    if form == "clause":
        clauses = [c.strip() for c in re.split(r"[,;:()]", sentence) if len(c.split()) >= 5]
        return rng.choice(clauses) if clauses else sentence
    return sentence


def asked(sentence: str, rng: random.Random) -> str | None:
    """A question that the sentence answers: "what was associated with B?" or "was A
    associated with B?" of "A was associated with B". Or None."""
    clause = max(re.split(r"[;:()]|, ", sentence), key=len).strip(" .")
    verb = _VERB.search(clause, 2)
    if verb is None or len(clause[verb.end() :].split()) < 2:
        return None
    subject, rest = clause[: verb.start()].strip(), " ".join(clause[verb.end() :].split()[:14])
    if not 1 <= len(subject.split()) <= 12:
        return None
    lowered = subject if subject[:2].isupper() else subject[0].lower() + subject[1:]
    if verb.group() in _AUXILIARY and rng.random() < 0.5:
        return f"{verb.group()} {lowered} {rest}?"
    if rng.random() < 0.3:
        return f"what does one know about {lowered}?"
    return f"{rng.choice(('what', 'which', 'what'))} {verb.group()} {rest}?"


def asked_of(reader: Reader, paper: StoredPaper, rng: random.Random) -> Iterator[_Asked]:
    """One question of each source from a paper, where it has them."""
    passages = reader.passages(reader.passage_ids(paper.id))
    body = {i: p for i, p in passages.items() if p.section.kind in (SectionKind.BODY, SectionKind.BOX)}
    held = {i: stems(p.text) for i, p in body.items()}
    abstract = [p for p in passages.values() if p.section.kind is SectionKind.ABSTRACT]
    spoken = [s for p in abstract for s in _sentences(p)]
    rng.shuffle(spoken)
    for sentence in spoken[:2]:
        wanted = stems(sentence)
        best = max(held, key=lambda i: (len(wanted & held[i]), -i), default=None)
        if best is not None and len(wanted & held[best]) >= _SHARED * len(wanted):
            yield _Asked(rephrased(sentence, rng), sentence, best, None)
    for i in rng.sample(sorted(body), min(2, len(body))):
        sentences = _sentences(body[i])
        if len(sentences) >= 3:
            sentence = rng.choice(sentences)
            remaining = " ".join(body[i].text.replace(sentence, " ").split())
            yield _Asked(rephrased(sentence, rng), sentence, i, remaining)


def _sentences(passage: StoredPassage) -> list[str]:
    from index.model import Span

    spans = sentence_spans(passage.text, Span(0, len(passage.text)))
    texts = [span.of(passage.text) for span in spans]
    return [text for text in texts if _WORDS[0] <= len(text.split()) <= _WORDS[1]]


def rows(name: str, parts: Parts, limit: int, seed: int) -> Iterator[Row]:
    """Made questions with their candidates; the answer comes first where the retriever missed it."""
    rng = random.Random(seed)
    with parts.library.read() as reader:
        papers = reader.papers()
        rng.shuffle(papers)
        made = 0
        for paper in papers * 3:
            for asked in asked_of(reader, paper, rng):
                if made == limit:
                    return
                made += 1
                yield _row(f"{name}-{made}", name, parts, reader, asked)


def _row(row_id: str, name: str, parts: Parts, reader: Reader, asked: _Asked) -> Row:
    rankings, ranks = candidates(parts.retriever, reader, asked.text)
    wanted = {stem(word) for word in content_words(asked.source)}
    answer = reader.passages([asked.answer])[asked.answer]
    found: list[Found] = []
    for i, score in rankings.fused[:DEPTH]:
        passage = rankings.passages[i]
        if i == asked.answer:
            text = asked.remaining or passage.text
            found.append(Found(passage.paper_id, passage.header, text, 1, *ranks[i], score))
        elif len(wanted & stems(passage.text)) < _SAME * len(wanted):
            found.append(Found(passage.paper_id, passage.header, passage.text, 0, *ranks[i], score))
    if not any(f.relevant for f in found):
        text = asked.remaining or answer.text
        found.insert(0, Found(answer.paper_id, answer.header, text, 1, 0, 0, 0.0))
    return Row(row_id, name, "self", asked.text, 1, found)


def of_papers(folder: Path) -> Dataset:
    """The papers below `folder` as a dataset without questions."""
    files = tuple(sorted(path for path in folder.rglob("*") if path.is_file()))
    return Dataset(folder.name, "all", "passage", (), Material((folder,), contents=files))


def main() -> None:
    """The command line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("out", type=Path)
    options.add_argument("dataset", type=Path)
    options.add_argument(
        "--papers", action="store_true", help="DATASET is a folder of papers, without questions"
    )
    options.add_argument("--limit", type=int, default=1000)
    options.add_argument("--seed", type=int, default=7)
    options.add_argument("--cache", type=Path, default=cache_folder())
    given = options.parse_args()
    dataset = of_papers(given.dataset) if given.papers else load(given.dataset, "all")
    with library_parts(dataset, given.cache) as parts:
        write_rows(rows(dataset.name, parts, given.limit, given.seed), given.out)


if __name__ == "__main__":
    main()
