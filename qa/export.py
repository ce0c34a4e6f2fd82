"""Answers as Markdown and as plain text, to be put into a document: numbers as they were shown, every quote
with its place, every verdict in words.

What comes from papers is made harmless for the format: on one line, without control characters, and in
Markdown with every character escaped that could be markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from index.model import Record
from index.parse.builder import plain
from qa.model import Answer, AnswerSentence, Citation, ReferenceEntry, Statement, Verdict
from qa.references import link, short_name

VERDICT_WORDS = {
    Verdict.VERBATIM: "verbatim",
    Verdict.SUPPORTED: "supported",
    Verdict.PARTIAL: "partly supported",
    Verdict.UNSUPPORTED: "not supported",
    Verdict.UNCHECKED: "not checked",
}
OWN = "The papers’ own sentences"
BROKEN_OFF = "(incomplete)"
DECLINED = "Your papers do not answer this."
# The colon and the dot before a letter: many viewers make a link of a bare address.
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&$!^@:]|(?<=\w)\.(?=[^\W\d_]))")
_ADDRESS = re.compile(r"https://[\w.-]+/[^\s<>\\`]+")
_LEADING = re.compile(r"^(\d{1,9})?([-+=.)])(?=\s|$|[-+=])")


def cited_records(answers: Sequence[Answer]) -> list[Record]:
    """The records of the papers that these answers cite, each once, in the order of their first citation."""
    papers = {entry.paper.key: entry.paper.record for answer in answers for entry in answer.references}
    return list(papers.values())


# --- Markdown --------------------------------------------------------------------------------------------


def markdown(answers: Sequence[Answer], scopes: Sequence[str] = ()) -> str:
    """Questions and answers as Markdown; `scopes` say in words what each question was limited to."""
    told = [*scopes, *[""] * (len(answers) - len(scopes))]
    return "\n\n".join("\n\n".join(_markdown(a, s)) for a, s in zip(answers, told, strict=True)) + "\n"


def _markdown(answer: Answer, scope: str) -> Iterator[str]:
    yield f"# {escaped(answer.question)}"
    for name, value in _facts(answer, scope):
        yield f"*{name}:* {escaped(value)}"
    for statement in answer.statements:
        yield f"**{escaped(statement.text)}** {_numbers(statement.numbers)}".rstrip()
    if answer.declined:
        yield from _declined_markdown(answer)
    yield from _markdown_sentences(answer)
    if answer.references:
        yield "## References"
        for entry in answer.references:
            yield f"{_numbers(entry.numbers)} {_linked(entry)}"


def _markdown_sentences(answer: Answer) -> Iterator[str]:
    for sentence in answer.sentences:
        yield from _markdown_sentence(sentence)
    if answer.incomplete:
        yield f"*{BROKEN_OFF}*"
    if answer.extracted:
        yield f"**{OWN}**"
    for sentence in answer.extracted:
        yield from _markdown_sentence(sentence)


def _markdown_sentence(sentence: AnswerSentence) -> Iterator[str]:
    citations = sentence.citations
    if not _is_quote(sentence):
        remark = _remark(sentence.verdict, sentence.reasons)
        numbers = _numbers(tuple(c.number for c in citations))
        yield f"{escaped(sentence.text)} {numbers} *({escaped(remark)})*"
    for citation in citations:
        quote = f"{escaped(citation.quote)} {_numbers((citation.number,))}"
        yield f"> {quote}\n>\n> — {escaped(_place(citation))}"


def _declined_markdown(answer: Answer) -> Iterator[str]:
    yield f"**{DECLINED}**"
    if answer.evidence:
        passage = answer.evidence[0].passage
        yield f"The nearest is {escaped(_nearest(answer))}:"
        yield f"> {escaped(passage.text)}"


def _linked(entry: ReferenceEntry) -> str:
    """The reference, its address as a link: the one thing in it that is not the paper's own words."""
    address = link(entry.paper.record) or ""
    if not _ADDRESS.fullmatch(address) or not entry.text.endswith(address):
        return escaped(entry.text)
    return f"{escaped(entry.text.removesuffix(address))} <{address}>"


def _numbers(numbers: Sequence[int]) -> str:
    return "".join(f"\\[{number}\\]" for number in numbers)


def escaped(text: str) -> str:
    """The text as one line of Markdown that shows it, whatever is in it."""
    flat = _SPECIAL.sub(r"\\\1", plain(text))
    return _LEADING.sub(lambda found: f"{found[1] or ''}\\{found[2]}", flat)


# --- plain text ------------------------------------------------------------------------------------------


def text(answers: Sequence[Answer], scopes: Sequence[str] = ()) -> str:
    """Questions and answers as plain text."""
    told = [*scopes, *[""] * (len(answers) - len(scopes))]
    return "\n\n\n".join("\n".join(_text(a, s)) for a, s in zip(answers, told, strict=True)) + "\n"


def _text(answer: Answer, scope: str) -> Iterator[str]:
    yield f"Question: {plain(answer.question)}"
    for name, value in _facts(answer, scope):
        yield f"{name}: {plain(value)}"
    for statement in answer.statements:
        yield ""
        yield _said(statement)
    if answer.declined:
        yield from _declined_text(answer)
    yield from _text_sentences(answer)
    if answer.references:
        yield ""
        yield "References"
        for entry in answer.references:
            yield f"{''.join(f'[{n}]' for n in entry.numbers)} {plain(entry.text)}"


def _declined_text(answer: Answer) -> Iterator[str]:
    yield ""
    yield DECLINED
    if answer.evidence:
        yield f"The nearest is {_nearest(answer)}:"
        yield f"  {plain(answer.evidence[0].passage.text)}"


def _text_sentences(answer: Answer) -> Iterator[str]:
    for sentence in answer.sentences:
        yield ""
        yield from _text_sentence(sentence)
    if answer.incomplete:
        yield BROKEN_OFF
    if answer.extracted:
        yield ""
        yield OWN
    for sentence in answer.extracted:
        yield ""
        yield from _text_sentence(sentence)


def _text_sentence(sentence: AnswerSentence) -> Iterator[str]:
    alone = _is_quote(sentence)
    if alone:
        yield plain(sentence.citations[0].quote)
    else:
        yield f"{plain(sentence.text)} ({_remark(sentence.verdict, sentence.reasons)})"
    for citation in sentence.citations:
        if not alone:
            yield f"  “{plain(citation.quote)}”"
        yield f"  [{citation.number}] {_place(citation)}"


def _said(statement: Statement) -> str:
    return f"{plain(statement.text)} {''.join(f'[{n}]' for n in statement.numbers)}".rstrip()


# --- both ------------------------------------------------------------------------------------------------


def _facts(answer: Answer, scope: str) -> Iterator[tuple[str, str]]:
    """What is to be known of the question and of who answered it, by name."""
    if answer.query != plain(answer.question):
        yield "Searched for", answer.query
    if scope:
        yield "Scope", scope
    if answer.writer:
        yield "Written by", f"{answer.writer}; every quote is the papers’ own"


def _is_quote(sentence: AnswerSentence) -> bool:
    """Whether the quote alone says it all. In a document it stands as it is in its paper, without what
    citewell adds in square brackets on the screen."""
    return len(sentence.citations) == 1 and sentence.verdict is Verdict.VERBATIM


def _place(citation: Citation) -> str:
    """Wang et al. 2026, Abstract, p. 4 (verbatim)"""
    page = f"p. {citation.page}" if citation.page is not None else ""
    parts = [short_name(citation.paper.record), citation.passage.section.heading, page]
    where = ", ".join(plain(part) for part in parts if part)
    return f"{where} ({_remark(citation.verdict, citation.reasons)})"


def _remark(verdict: Verdict, reasons: Sequence[str]) -> str:
    because = "; ".join(plain(reason) for reason in reasons)
    return f"{VERDICT_WORDS[verdict]}: {because}" if because else VERDICT_WORDS[verdict]


def _nearest(answer: Answer) -> str:
    found = answer.evidence[0]
    parts = [short_name(found.paper.record), found.passage.section.heading]
    return ", ".join(plain(part) for part in parts if part)
