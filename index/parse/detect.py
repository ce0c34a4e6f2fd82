"""What a file is, by its content: a wrong ending or none at all changes nothing."""

from __future__ import annotations

import codecs
import re

from index.errors import ParseError
from index.model import Format

MAX_TEXT = 50_000_000  # bytes of a text format; a longer file is a data set or a log, no paper
_HINT = "citewell reads PDF, JATS XML, HTML, Markdown and plain text."

# By their first bytes. What is not here and has control characters is "binary data".
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"II*\x00", "a TIFF image"),
    (b"MM\x00*", "a TIFF image"),
    (b"BM", "a BMP image"),
    (b"RIFF", "an image, sound or video file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x7fELF", "an executable program"),
    (b"MZ", "an executable program"),
    (b"\xcf\xfa\xed\xfe", "an executable program"),
    (b"\xca\xfe\xba\xbe", "an executable program"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Word, Excel or PowerPoint file"),
    (b"{\\rtf", "a Rich Text file"),
    (b"%!PS", "a PostScript file"),
    (b"AT&TFORM", "a DjVu file"),
    (b"ID3", "a sound file"),
    (b"OggS", "a sound or video file"),
    (b"PAR1", "a Parquet file"),
    (b"\x93NUMPY", "a NumPy file"),
)
_TEXTUAL_MAGIC = frozenset(
    (b"BM", b"MZ", b"ID3", b"PAR1", b"RIFF", b"GIF8", b"BZh")
)  # could begin a sentence
_ZIP_KINDS = (
    (b"word/", "a Word file (.docx)"),
    (b"xl/", "an Excel file (.xlsx)"),
    (b"ppt/", "a PowerPoint file (.pptx)"),
    (b"application/epub+zip", "an EPUB book"),
    (b"application/vnd.oasis.opendocument", "an OpenDocument file"),
)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROLS = bytes(sorted({*range(0x20), 0x7F} - set(b"\t\n\v\f\r\x1b")))
_C1 = re.compile("[\x80-\x9f]")

_PROLOGUE = re.compile(r"(?:\s+|<\?[^>]{0,2000}\?>|<!--(?:(?!-->).){0,5000}-->)*", re.DOTALL)
_DOCTYPE = re.compile(r"<!DOCTYPE\s+([\w:.-]{1,60})", re.IGNORECASE)
_ROOT = re.compile(r"<([A-Za-z_][\w.-]{0,60}:)?([A-Za-z_][\w.-]{0,60})(?=[\s/>])")
_HTML_ROOTS = frozenset(("html", "head", "body"))
_HTML_BLOCKS = re.compile(r"</(?:p|div|h[1-6]|section|table|ul|ol|main)\s*>", re.IGNORECASE)
_HTML_ANYWHERE = re.compile(r"<(?:!doctype\s+html|html|body)\b", re.IGNORECASE)
_JATS_SIGNS = re.compile(
    r"<(?:front|article-meta|journal-meta|sec|back)\b|\b(?:article-type|dtd-version)\s*="
)

_MARKS = (
    (re.compile(r"^#{1,6}[ \t]+\S", re.MULTILINE), 2),
    (re.compile(r"^\S.{0,200}\n(?:=|-){4,}[ \t]*$", re.MULTILINE), 1),
    (re.compile(r"^```", re.MULTILINE), 2),
    (re.compile(r"^\|?[ \t]*:?-{3,}:?[ \t]*\|[ \t|:-]*$", re.MULTILINE), 2),
    (re.compile(r"!?\[[^\]\n]{1,300}\]\([^)\s]{1,500}\)"), 2),
    (re.compile(r"(?<!\w)(\*\*|__)(?=\S)[^*_\n]{1,200}\1(?!\w)"), 2),
    (re.compile(r"^[ \t]{0,3}[-*+][ \t]+\S", re.MULTILINE), 1),
    (re.compile(r"(?<![\w*])\*(?=[^\s*])[^*\n]{1,200}\*(?![\w*])"), 1),
)
_MARKDOWN_SCORE = 4
_SAMPLE = 200_000


def recognise(data: bytes, name: str) -> Format:
    """The format of a file. `name` tips the balance between HTML, Markdown and text only.

    Raises ParseError for an empty file, a known kind of binary file, binary data, and text in an
    encoding that cannot be told.
    """
    if not data:
        raise _not_a_paper("the file is empty (0 bytes)", "Fetch or copy the file again.")
    if data.startswith(b"%PDF-"):
        return Format.PDF
    head = _head(data)
    markup = _markup(head, data, name.lower())
    if markup:
        return markup
    if kind := _binary_kind(data):
        raise _not_a_paper(f"it is {kind}", _HINT)
    # Junk before a PDF is common and allowed; a text may name the sign, but has no objects.
    if b"%PDF-" in data[:1024] and (b" obj" in data or b"%%EOF" in data):
        return Format.PDF
    return _text_format(decode(data), name.lower())


def _not_a_paper(reason: str, hint: str) -> ParseError:
    return ParseError(f"not a paper citewell can read: {reason}", hint)


def _head(data: bytes) -> str:
    """The first characters, good enough to see markup in any encoding."""
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return data[:16384].decode(encoding, "ignore").removeprefix("\ufeff")
    if data.startswith(b"<\x00"):
        return data[:16384].decode("utf-16-le", "ignore")
    if data.startswith(b"\x00<"):
        return data[:16384].decode("utf-16-be", "ignore")
    return data[:16384].decode("utf-8", "ignore")


def _markup(head: str, data: bytes, name: str) -> Format | None:
    """JATS for XML of any kind, HTML for pages, None for what is neither."""
    start = _PROLOGUE.match(head)
    at = start.end() if start else 0
    declared = head.lstrip().startswith("<?xml")
    doctype = _DOCTYPE.match(head, at)
    if doctype:
        return Format.HTML if doctype.group(1).lower() == "html" else Format.JATS
    root = _ROOT.match(head, at)
    if root:
        prefix, tag = root.group(1) or "", root.group(2)
        if tag.lower() in _HTML_ROOTS:
            return Format.HTML
        closed = f"</{prefix}{tag}>".encode() in data
        if declared or (closed and not _html_fragment(tag, head, data)):
            return Format.JATS
    if declared or (name.endswith((".xml", ".nxml")) and head[at : at + 1] == "<"):
        return Format.JATS  # broken, which its parser says better
    page_name = name.endswith((".html", ".htm", ".xhtml"))
    if page_name and (_HTML_ANYWHERE.search(head) or _HTML_BLOCKS.search(head)):
        return Format.HTML
    if root and root.group(2).lower() == "article" and len(_HTML_BLOCKS.findall(head)) > 1:
        return Format.HTML
    return None


def _html_fragment(tag: str, head: str, data: bytes) -> bool:
    """Whether a root element that closes is HTML's and not XML's. <article> is both."""
    if tag == "article":
        return not (_JATS_SIGNS.search(head) or b"<front" in data)
    return bool(
        re.fullmatch(
            r"[a-z]|div|section|main|center|table|span|h[1-6]|[uod]l|pre|img|br|hr|em|strong|sup|"
            r"details|summary|picture|sub|small|font|blockquote|meta|link|title|style|script",
            tag.lower(),
        )
    )


def _binary_kind(data: bytes) -> str | None:
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return next((kind for sign, kind in _ZIP_KINDS if sign in data[:65536]), "a zip archive")
    if data[257:262] == b"ustar":
        return "a tar archive"
    if data[4:8] == b"ftyp":
        return "an image, sound or video file"
    for magic, kind in _MAGIC:
        if data.startswith(magic) and (magic not in _TEXTUAL_MAGIC or _has_controls(data[:4096])):
            return kind
    return None


def _has_controls(data: bytes) -> bool:
    """Whether more bytes than the odd slip are control characters; any NUL is."""
    stripped = len(data) - len(data.translate(None, _CONTROLS))
    return b"\x00" in data or stripped * 100 > len(data)


def decode(data: bytes) -> str:
    """The characters of a text file: by its byte-order mark, as UTF-8, or as Windows-1252 if that makes text.

    Line ends become "\\n". A few damaged characters in UTF-8 become U+FFFD. Raises ParseError for binary
    data and for encodings that cannot be told.
    """
    if len(data) > MAX_TEXT:
        raise _not_a_paper(
            f"{len(data) / 1e6:,.0f} MB of text is more than any paper holds", "Split the file."
        )
    text = _decoded(data)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _decoded(data: bytes) -> str:
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return data.decode(encoding, "replace").removeprefix("\ufeff")
    for sign, encoding in ((b"<\x00", "utf-16-le"), (b"\x00<", "utf-16-be")):
        if data.startswith(sign):
            return data.decode(encoding, "replace")
    if _has_controls(data):
        raise _not_a_paper("it is binary data, not text", _HINT)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    text = data.decode("utf-8", "replace")
    damaged = text.count("\ufffd")
    whole = sum(char > "\x7f" for char in text) - damaged
    if whole > 4 * damaged:
        return text  # UTF-8 that was cut or damaged in places
    return _western(data)


def _western(data: bytes) -> str:
    """Windows-1252, or Latin-1 where that has no character; only if nearly all of it is plain letters."""
    plain = sum(byte < 0x80 for byte in data)
    if plain >= 0.8 * len(data):
        try:
            return data.decode("cp1252")
        except UnicodeDecodeError:
            text = data.decode("latin-1")
            if not _C1.search(text):
                return text
    raise _not_a_paper("the encoding of its characters cannot be told", "Save it as UTF-8.")


def _text_format(text: str, name: str) -> Format:
    from index.parse.tomesphere import is_tomesphere

    if is_tomesphere(text):
        return Format.TOMESPHERE
    if name.endswith((".md", ".markdown")) or _markdown_score(text[:_SAMPLE]) >= _MARKDOWN_SCORE:
        return Format.MARKDOWN
    return Format.TEXT


def _markdown_score(text: str) -> int:
    """Points for marks that mean something in Markdown, each kind counted up to twice. Dashes alone, as in
    any list, do not suffice."""
    return sum(weight * min(2, len(mark.findall(text))) for mark, weight in _MARKS)
