"""Claims that label themselves: a sentence that cites one or two papers, answered by their titles.

    python -m training.citances OUT FOLDER [--seed S]

FOLDER holds papers as JATS XML. The other titles in the same list of references are what the claim is not
about, and they are near: the paper cites them for something else. Titles are short, so a step that reads them
takes a fifth of the time of one that reads passages.
"""

from __future__ import annotations

import argparse
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lxml import etree

from training.candidates import Found, Row, write_rows

_TITLE = range(20, 250)  # characters
_WORDS = range(8, 46)
_MOST_CITED = 2  # papers by one sentence: of more it is a survey, not a claim
_FEWEST, _OTHERS = 24, 30  # titles in the list that a claim needs, and those that are kept with it
_OPEN, _CLOSE = "\x01", "\x02"  # around the id of what is cited
_CITED = re.compile(f"{_OPEN}([^{_CLOSE}]*){_CLOSE}")
_BRACKETS = re.compile(rf"[\[(]?\s*(?:{_OPEN}[^{_CLOSE}]*{_CLOSE}[\s,;–-]*)+[\])]?")
_END = re.compile(rf"(?<=[.!?{_CLOSE}])\s+(?=[A-Z])")
_OF_METHODS = re.compile(
    r"\b(?:software|package|version|protocol|as previously|described (?:previously|elsewhere|in))\b"
)


def citances(data: bytes, rng: random.Random) -> Iterator[tuple[str, list[str], list[str]]]:
    """Claims of a paper: the sentence without its citations, the titles it cites, and titles it does not."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError:
        return
    titles = _titles(root)
    if len(titles) < _FEWEST:
        return
    for paragraph in root.iterfind(".//body//p"):
        text = " ".join(_marked(paragraph).split())
        for sentence in _END.split(text):
            ids = [one for ids in _CITED.findall(sentence) for one in ids.split("|")]
            cited = [titles[one] for one in ids if one in titles]
            claim = re.sub(r"\s+([.,;])", r"\1", _BRACKETS.sub("", sentence)).strip()
            usable = len(claim.split()) in _WORDS and not _OF_METHODS.search(claim)
            if cited and len(ids) <= _MOST_CITED and usable:
                others = [title for title in titles.values() if title not in cited]
                yield claim, cited, rng.sample(others, min(_OTHERS, len(others)))


def _titles(root: Any) -> dict[str, str]:
    found = {}
    for reference in root.iter("ref"):
        title = reference.find(".//article-title")
        text = " ".join("".join(title.itertext()).split()) if title is not None else ""
        if reference.get("id") and len(text) in _TITLE:
            found[str(reference.get("id"))] = text
    return found


def _marked(element: Any) -> str:
    """Its text, with a mark where a reference is cited."""
    if element.tag == "xref" and element.get("ref-type") == "bibr":
        return f"{_OPEN}{'|'.join((element.get('rid') or '').split())}{_CLOSE}"
    if not isinstance(element.tag, str):  # a comment
        return ""
    return (element.text or "") + "".join(_marked(child) + (child.tail or "") for child in element)


def rows(folder: Path, seed: int) -> Iterator[Row]:
    """One a claim, from all XML files below `folder`; its own titles come first."""
    rng = random.Random(seed)
    for path in sorted(path for path in folder.rglob("*") if path.suffix in (".xml", ".nxml")):
        for number, (claim, cited, others) in enumerate(citances(path.read_bytes(), rng)):
            found = [Found(0, "", title, 1, 0, 0, 0.0) for title in cited]
            found += [Found(0, "", title, 0, 0, 0, 0.0) for title in others]
            yield Row(f"{path.stem}-{number}", folder.name, "self", claim, len(cited), found)


def main() -> None:
    """The command line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("out", type=Path)
    options.add_argument("folder", type=Path)
    options.add_argument("--seed", type=int, default=7)
    given = options.parse_args()
    write_rows(rows(given.folder, given.seed), given.out)


if __name__ == "__main__":
    main()
