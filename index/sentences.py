"""Sentence spans in biomedical prose. Passages and quotes share them, so that a quote is a sentence.

A boundary is a full stop, question or exclamation mark followed by something that begins a sentence,
unless what stands before it is an abbreviation or an initial, or the mark is inside a parenthesis that
is still open. Newlines always end a sentence; the rows of a table are one unit each. Rules rather than
a trained model: they are the same everywhere, cost microseconds, and every case below was met in a paper.
"""

from __future__ import annotations

import re

from index.model import Span

CELL_SEPARATOR = " | "

_LINE = re.compile(r"[^\n]+")
# The mark, closing quotes and brackets, and a bracketed citation that was set behind the full stop. It
# starts at the first mark of a run and gives nothing back: ten thousand leader dots took half a minute.
_STOP = re.compile(r"""(?<![.!?…])[.!?…]++["'”’»)\]]*+(?:\s*+\[\d[\d,;–\-\s]*+\])?(?=\s)""")
_BEGINS = re.compile(r"""\s+["'“‘«(\[]*(?:[A-Z0-9Α-ΩÀ-ÖØ-Þ]|[a-zµα-ω]{1,4}-?[A-Z0-9]|[α-ω]-)""")
_NEXT_WORD = re.compile(r"\s+[\"'“‘(\[]*([^\s,;:.]+)")

# Never the end of a sentence, whatever follows.
_ALWAYS = frozenset(
    """fig figs eq eqs ref refs tab no nos vol pp p vs e.g i.e cf viz dr drs prof mr mrs ms st mt approx resp
    suppl supp sect ch chap ed eds subsp var ssp cv dept univ ser art exp expt nr ca c.f ie eg""".split()
)
# The end of a sentence only when the next word is one that usually begins a sentence.
_SOMETIMES = frozenset(
    """al etc sp spp inc ltd co corp u.s u.k a.m p.m hr hrs h min sec wk wks mo yr yrs ph.d m.d jr sr
    max avg temp conc dil wt u.s.a d.c i.v i.p s.c i.m p.o b.i.d t.i.d q.d b.w""".split()
)
_STARTERS = frozenset(
    """the this these that those in on at by for from with to of as it its he she they we our an all both
    each some most many several no not here there then thus therefore hence however moreover furthermore
    additionally also although while whereas when where if since because after before during following
    finally first second third briefly overall interestingly similarly consistent consistently
    conversely taken together such other another one two three patients participants cells mice data
    results analysis is are was were what which why how do does did can could may""".split()
)
# "… vitamin C. The …": a single letter behind one of these is a name, not an initial.
_LETTERED = frozenset(
    """vitamin hepatitis type group groups class phase grade stage category factor protein chain panel arm
    cohort model table figure appendix part form influenza immunoglobulin cyclosporin cyclosporine
    apolipoprotein complex domain site region strain serotype subtype blood cytochrome condition""".split()
)
# "ART. The", "ED. It": capitals are an acronym, not an abbreviation, except these.
_SHOUTED = frozenset("vs dr mr mrs prof".split())
# "for 48 h. Vascular …": behind a number these are units, and a capital behind them begins a sentence.
_UNITS = frozenset("h hr hrs min sec wk wks mo yr yrs".split())
_MAX_PARENTHESIS = 300
_MAX_TOKEN = 40  # no abbreviation is longer
_LOOK_BACK = 2_000  # characters in which an open parenthesis is looked for


def sentence_spans(text: str, span: Span) -> list[Span]:
    """The sentences of `text` inside `span`, in order, without the white space around them.

    Together they hold every character of the span that is not white space.
    """
    found: list[Span] = []
    for line in _LINE.finditer(text, span.start, span.end):
        start, end = _trim(text, line.start(), line.end())
        if start == end:
            continue
        if CELL_SEPARATOR in line.group():
            found.append(Span(start, end))
        else:
            found.extend(_in_line(text, start, end))
    return found


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _in_line(text: str, start: int, end: int) -> list[Span]:
    spans: list[Span] = []
    begin = start
    for stop in _STOP.finditer(text, start, end):
        if stop.end() >= end or not _is_boundary(text, begin, stop, end):
            continue
        spans.append(Span(begin, stop.end()))
        begin, _ = _trim(text, stop.end(), end)
    if begin < end:
        spans.append(Span(begin, end))
    return spans


def _is_boundary(text: str, begin: int, stop: re.Match[str], end: int) -> bool:
    if not _BEGINS.match(text, stop.end(), end):
        return False
    if _inside_parenthesis(text, begin, stop.end(), end):
        return False
    if not stop.group().startswith(".") or stop.group().startswith(".."):
        return True
    token = _token_start(text, begin, stop.start())
    if token == stop.start():
        return True
    # A full stop behind a closing bracket ends what the bracket belongs to: "(n = 5)."
    before = text[max(begin, token - _MAX_TOKEN) : token].split()
    following = _next_word(text, stop.end(), end)
    return not _is_abbreviation(text[token : stop.start()], before[-1] if before else "", following)


def _token_start(text: str, begin: int, end: int) -> int:
    """Where the token that ends at `end` starts; `end` if there is none."""
    start, lowest = end, max(begin, end - _MAX_TOKEN)
    while start > lowest and not text[start - 1].isspace() and text[start - 1] not in "([":
        start -= 1
    return start


def _next_word(text: str, position: int, end: int) -> str:
    found = _NEXT_WORD.match(text, position, end)
    return found.group(1) if found else ""


def _is_abbreviation(word: str, before: str, following: str) -> bool:
    lowered = word.lower().strip("\"'“”‘’")
    starts_sentence = following.lower() in _STARTERS and following[:1].isupper()
    if word.isupper() and word.isalpha() and len(word) > 1:
        return lowered in _SHOUTED or (lowered in _ALWAYS and following[:1].isdigit())
    if lowered in _ALWAYS:
        return lowered not in ("no", "nos") or _is_number(following, shouted=word[:1].isupper())
    if lowered in _UNITS and before[:1].isdigit():
        return len(following) < 2 and following not in ("A", "I")
    if lowered in _SOMETIMES:
        return not (starts_sentence or following in ("A", "I"))
    if len(word) == 1 and word.isalpha() and word.isupper():
        return not (starts_sentence or before.lower() in _LETTERED)
    # "J.R. Smith", "U.S. Army": capitals each behind a full stop.
    return bool(re.fullmatch(r"(?:[A-Z]\.-?)+[A-Z]", word)) and not starts_sentence


def _is_number(following: str, *, shouted: bool) -> bool:
    """Whether "no." is a number sign: "no. 3", "Lot no. W4010", "Patent No. EP 1 651"; else it is a word."""
    return any(c.isdigit() for c in following) or (shouted and following.isupper() and len(following) > 1)


def _inside_parenthesis(text: str, begin: int, position: int, end: int) -> bool:
    """Whether a parenthesis opened in this sentence is still open and closes before long."""
    begin = max(begin, position - _LOOK_BACK)
    for opening, closing in ("()", "[]"):
        depth = text.count(opening, begin, position) - text.count(closing, begin, position)
        if depth > 0:
            close = text.find(closing, position, min(end, position + _MAX_PARENTHESIS))
            reopened = text.find(opening, position, min(end, position + _MAX_PARENTHESIS))
            if close != -1 and (reopened == -1 or close < reopened):
                return True
    return False
