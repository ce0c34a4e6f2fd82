"""From bytes to the tree of a JATS article, safely.

Nothing outside of the file is ever read: no DTD, no external entity, no network; entities that a file
declares itself are never expanded.
"""

from __future__ import annotations

from lxml import etree

from index.errors import ParseError
from index.parse.builder import plain

MAX_BYTES = 32 * 1024 * 1024
"""Larger files are refused: the tree of one takes about ten times its size in memory."""

MAX_NODES = 1_500_000
"""Files with more elements and attributes are refused; real articles reach 100,000."""

MAX_DEPTH = 100
"""Deeper nesting is refused; real articles reach 24 levels."""


def read_tree(data: bytes) -> etree._Element:
    """The root of the file's tree, all names without namespaces. Raises ParseError."""
    if len(data) > MAX_BYTES:
        raise ParseError(
            f"larger than {MAX_BYTES // 2**20} MB of XML", "Split the file into single articles."
        )
    if data.count(b"<") + data.count(b"=") > MAX_NODES:
        raise ParseError("more elements than any article has", "Split the file into single articles.")
    if not data.strip():
        raise ParseError("the file is empty", "Download it again.")
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise _malformed(error, data) from None
    depth = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        if event == "end":
            depth -= 1
            continue
        depth += 1
        if depth > MAX_DEPTH:
            raise ParseError(*_TOO_DEEP)
        if isinstance(element.tag, str):
            element.tag = element.tag.rpartition("}")[2]
    return root


_TOO_DEEP = (
    f"elements nested more than {MAX_DEPTH} levels deep",
    "No article is written like that: check where the file comes from.",
)
_UNFINISHED = frozenset(
    (
        etree.ErrorTypes.ERR_TAG_NOT_FINISHED,
        etree.ErrorTypes.ERR_CDATA_NOT_FINISHED,
        etree.ErrorTypes.ERR_COMMENT_NOT_FINISHED,
        etree.ErrorTypes.ERR_PI_NOT_FINISHED,
    )
)
_CAUSES = {
    etree.ErrorTypes.ERR_DOCUMENT_EMPTY: "no element where one should begin",
    etree.ErrorTypes.ERR_DOCUMENT_END: "more after its end",
    etree.ErrorTypes.ERR_TAG_NAME_MISMATCH: "the end of another element than the one that was begun",
    etree.ErrorTypes.ERR_UNDECLARED_ENTITY: "a named character that the file does not declare",
    etree.ErrorTypes.ERR_INVALID_CHAR: "a character that XML does not allow",
    etree.ErrorTypes.ERR_INVALID_ENCODING: "bytes that do not fit its encoding",
    etree.ErrorTypes.ERR_UNSUPPORTED_ENCODING: "an encoding that is not known",
    etree.ErrorTypes.ERR_ENTITY_LOOP: "entities that contain each other",
    etree.ErrorTypes.ERR_ATTRIBUTE_REDEFINED: "an attribute given twice",
    etree.ErrorTypes.NS_ERR_UNDEFINED_NAMESPACE: "a name prefix that is not declared",
}


def _malformed(error: etree.XMLSyntaxError, data: bytes) -> ParseError:
    """What is wrong with XML that cannot be read, without a word of the file itself."""
    line = error.lineno or 1
    code = getattr(error, "code", 0)
    if code == etree.ErrorTypes.ERR_RESOURCE_LIMIT:
        if "depth" in str(error.msg).lower():
            return ParseError(*_TOO_DEEP)
        return ParseError(f"a single text or name of many megabytes in line {line}", _TOO_DEEP[1])
    if not data.lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n").startswith(b"<"):
        return ParseError(
            "not XML: the file does not begin with an element", "Check what kind of file it is."
        )
    if code in _UNFINISHED or not data.rstrip(b"\0 \t\r\n").endswith(b">"):
        return ParseError(
            f"the file is cut short: it ends in line {line} with elements open", "Download it again."
        )
    cause = _CAUSES.get(code, "something that is not well-formed")
    return ParseError(f"malformed XML: line {line} has {cause}", "Download the file again or mend it.")


def find_article(root: etree._Element) -> tuple[etree._Element, list[str]]:
    """The first article at or below `root`, and what is to be said about the others."""
    found = [
        element
        for element in root.iter("article")
        if element.find("front") is not None or element.find("body") is not None
        if next(element.iterancestors("article"), None) is None
    ]
    if not found:
        name = plain(str(root.tag))[:40]
        raise ParseError(
            f"XML, but not a JATS article (root element <{name}>)", "Only JATS or NLM XML is read."
        )
    notes = [f"the file holds {len(found)} articles; only the first was taken"] if len(found) > 1 else []
    return found[0], notes
