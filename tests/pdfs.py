"""Small PDF files for the tests, made byte by byte: pages of placed lines in the standard fonts."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

FONTS = {
    "roman": "Helvetica",
    "bold": "Helvetica-Bold",
    "italic": "Helvetica-Oblique",
    "private": "Helvetica",
}
_PADDING = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")


@dataclass(frozen=True)
class Put:
    """One run of text at (x, y) in points from the lower left corner."""

    x: float
    y: float
    text: str
    size: float = 10.0
    font: str = "roman"
    turned: bool = False  # upwards, as stamps in the margin are


def column(
    lines: Iterable[str], x: float, top: float, *, size: float = 10.0, pitch: float = 12.0
) -> list[Put]:
    """Lines under each other; a line that begins with blanks is indented by 12 points."""
    return [
        Put(x + (12.0 if line.startswith(" ") else 0.0), top - i * pitch, line.strip(), size)
        for i, line in enumerate(lines)
        if line
    ]


def wrap(words: str, width: int) -> list[str]:
    """Breaks words into lines of at most `width` characters, all but the last nearly that long."""
    lines, line = [], ""
    for word in words.split():
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return [*lines, line]


def prose(seed: str, sentences: int) -> str:
    """Made-up sentences in which every word with `seed` is the seed's own."""
    frames = (
        "The {0}one cells of the {0}two group grew faster than those of the control group.",
        "We measured {0}three in all samples and found no change after the seventh day of culture.",
        "A second {0}four sample was taken when the first one could not be read by the machine.",
        "None of the {0}five values differed between the sites that took part in the study.",
    )
    return " ".join(frames[i % len(frames)].format(f"{seed}{i}") for i in range(sentences))


def content(puts: Sequence[Put]) -> bytes:
    """The content stream that draws the runs."""
    parts = []
    names = list(FONTS)
    for put in puts:
        raw = put.text.encode("cp1252").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
        matrix = f"0 1 -1 0 {put.x} {put.y}" if put.turned else f"1 0 0 1 {put.x} {put.y}"
        head = f"BT /F{names.index(put.font)} {put.size} Tf {matrix} Tm ("
        parts.append(head.encode() + raw + b") Tj ET\n")
    return b"".join(parts)


def pdf(
    pages: Sequence[Sequence[Put]],
    *,
    info: dict[str, str] | None = None,
    images: Sequence[int] = (),
    password: str | None = None,
    streams: Sequence[bytes] | None = None,
    repeat: int = 1,
) -> bytes:
    """A PDF file of A4 pages.

    `images` are positions of pages that also paint an image; `password` encrypts the file (the empty one
    too); `streams` replaces the pages' content, compressed already; `repeat` lists all pages that often.
    """
    bodies = [zlib.compress(content(puts)) for puts in pages] if streams is None else list(streams)
    objects: dict[int, bytes] = {}
    fonts = " ".join(f"/F{i} {3 + i} 0 R" for i in range(len(FONTS)))
    for i, (name, base) in enumerate(FONTS.items()):
        extra = " /ToUnicode 8 0 R" if name == "private" else ""
        objects[3 + i] = (
            f"<< /Type /Font /Subtype /Type1 /BaseFont /{base} /Encoding /WinAnsiEncoding{extra} >>".encode()
        )
    key = _key(password) if password is not None else None
    image = "/Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8"
    objects[7] = _stream(7, zlib.compress(b"\x40"), f"{image} /Filter /FlateDecode", key)
    to_private = (
        b"1 begincodespacerange <00> <FF> endcodespacerange 1 beginbfrange <00> <FF> <E000> endbfrange"
    )
    objects[8] = _stream(8, to_private, "", key)
    kids = []
    for i, body in enumerate(bodies):
        page, stream = 20 + 2 * i, 21 + 2 * i
        if i in images:
            body = zlib.compress(zlib.decompress(body) + b"q 595 0 0 842 0 0 cm /I Do Q\n")
        objects[page] = (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {stream} 0 R"
            f" /Resources << /Font << {fonts} >> /XObject << /I 7 0 R >> >> >>"
        ).encode()
        objects[stream] = _stream(stream, body, "/Filter /FlateDecode", key)
        kids.append(f"{page} 0 R")
    count = len(kids) * repeat
    objects[1] = b"<< /Type /Catalog /Pages 2 0 R >>"
    objects[2] = f"<< /Type /Pages /Count {count} /Kids [{' '.join(kids * repeat)}] >>".encode()
    trailer = "/Root 1 0 R"
    if info:
        fields = " ".join(f"/{name} <{value.encode('utf-16').hex()}>" for name, value in info.items())
        objects[9] = f"<< {fields} >>".encode()
        trailer += " /Info 9 0 R"
    if password is not None:
        assert not info, "strings are not encrypted here"
        trailer += f" /Encrypt {_encrypt(password)} /ID [<{_ID.hex()}> <{_ID.hex()}>]"
    return _file(objects, trailer)


def _stream(number: int, body: bytes, entries: str, key: bytes | None) -> bytes:
    if key is not None:
        own = hashlib.md5(key + number.to_bytes(3, "little") + b"\0\0").digest()[:10]
        body = _rc4(own, body)
    return f"<< /Length {len(body)} {entries} >>\nstream\n".encode() + body + b"\nendstream"


def _file(objects: dict[int, bytes], trailer: str) -> bytes:
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    places = {}
    for number in sorted(objects):
        places[number] = len(out)
        out += f"{number} 0 obj\n".encode() + objects[number] + b"\nendobj\n"
    start = len(out)
    size = max(objects) + 1
    out += f"xref\n0 {size}\n0000000000 65535 f \n".encode()
    for number in range(1, size):
        out += f"{places[number]:010} 00000 n \n".encode() if number in places else b"0000000000 65535 f \n"
    out += f"trailer\n<< /Size {size} {trailer} >>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(out)


# The standard security handler, revision 2 (RC4, 40 bits): enough to make files that need a password.
_ID = b"citewell-testing"


def _rc4(key: bytes, data: bytes) -> bytes:
    state = list(range(256))
    j = 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    out, i, j = bytearray(), 0, 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(out)


def _padded(password: str) -> bytes:
    return (password.encode() + _PADDING)[:32]


def _owner(password: str) -> bytes:
    return _rc4(hashlib.md5(_padded("the owner")).digest()[:5], _padded(password))


def _key(password: str) -> bytes:
    permissions = (-4).to_bytes(4, "little", signed=True)
    return hashlib.md5(_padded(password) + _owner(password) + permissions + _ID).digest()[:5]


def _encrypt(password: str) -> str:
    user = _rc4(_key(password), _PADDING)
    return f"<< /Filter /Standard /V 1 /R 2 /O <{_owner(password).hex()}> /U <{user.hex()}> /P -4 >>"
