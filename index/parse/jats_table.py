"""What is two-dimensional on paper, made linear: formulas and tables of JATS.

Element names are bare (the reader of the file has taken the namespaces off).
"""

from __future__ import annotations

import html.entities
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from lxml import etree

# A cell longer than this is prose; it is said once even where it spans several columns or rows.
_LONGEST_REPEATED = 200
_INFIX = frozenset("=≠≈≅≃≡∼~<>≤≥≪≫⩽⩾±∓+−-–×·⋅∗*÷∈∉⊂⊆∪∩∧∨→←↔⇒⇔∝←|∣:")
_SIMPLE = re.compile(r"[−–-]?(?:[\w.′*+∗]|[^\W_][¯^~˜ˆ˙¨\u0300-\u036f\u20d0-\u20ff])+|[^\w\s]|\(.[^()]*\)")
_SCRIPT_END = re.compile(r"[_^][\w.−-]+$")
_WORD_END = re.compile(r"[^\W\d_]{2,}$")
_WORD_START = re.compile(r"[^\W\d_]{2,}")
# Macrons, carets, tildes, arrows, dots and braces, spacing and combining: set right after their base.
_ACCENTS = frozenset("¯^~˜ˆ‾˙¨´`ˇ_→←↔⏞⏟︷︸\u0300\u0301\u0302\u0303\u0304\u0307\u0308\u20d7")
_TEX_DOCUMENT = re.compile(r"\\begin\{document\}(.*?)(?:\\end\{document\}|$)", re.DOTALL)
_TEX_SET_UP = re.compile(r"\\(?:documentclass|usepackage|setlength)(?:\[[^\]]*\])?(?:\{[^{}]*\}){1,2}")


def entity_text(name: str) -> str:
    """The character behind a named entity of HTML or ISO ("alpha"); empty if there is no such name.

    An entity that the file itself declares is treated alike: what it declares is never used.
    """
    return html.entities.html5.get(f"{name};", "")


def own_text(element: etree._Element) -> str:
    """The characters directly in an element, its child elements left out but not its entities."""
    parts = [element.text or ""]
    for child in element:
        if isinstance(child, etree._Entity):
            parts.append(entity_text(child.name or ""))
        parts.append(child.tail or "")
    return "".join(parts)


def tex_text(source: str) -> str:
    """A formula in LaTeX without the document around it and without dollar signs."""
    document = _TEX_DOCUMENT.search(source)
    body = document[1] if document else _TEX_SET_UP.sub("", source)
    return body.replace("$", "").strip()


# --- formulas ---------------------------------------------------------------------------------------


def math_text(math: etree._Element) -> str:
    """A MathML formula as one readable line: ``x_i^2 = (a + b)/c``. Empty if it holds no characters."""
    return " ".join(_math(math).split())


def _math(node: etree._Element) -> str:
    match node.tag:
        case "mi" | "mn" | "mtext" | "ms":
            return own_text(node)
        case "mo":
            operator = own_text(node).strip()
            return " " if operator == "\u2061" else operator.strip("\u2062\u2063\u2064")
        case "mspace":
            return " "
        case "mphantom" | "annotation" | "annotation-xml" | "maligngroup" | "malignmark" | "none":
            return ""
        case "mtable":
            return "; ".join(filter(None, (_math(row).strip(" ;") for row in _elements(node))))
        case "mtr" | "mlabeledtr":
            return " ".join(filter(None, (_math(cell).strip() for cell in _elements(node))))
        case "mfenced":
            return _fenced(node)
        case "msqrt":
            return "√" + _group(_row(node))
        case "mmultiscripts":
            return _multiscripts(node)
        case tag:
            return _SCRIPTS[tag](node) if tag in _SCRIPTS else _row(node)


def _elements(node: etree._Element) -> list[etree._Element]:
    return [child for child in node if isinstance(child.tag, str)]


def _row(node: etree._Element) -> str:
    line = [(node.text or "").strip()]
    operand = bool(line[0])  # whether the last thing can stand left of an infix operator
    for child in node:
        if isinstance(child, etree._Entity):
            line.append(entity_text(child.name or ""))
        elif isinstance(child.tag, str):
            piece = _math(child)
            is_operator = child.tag == "mo" and piece in _INFIX
            if is_operator and operand:
                piece = f" {piece} "
            if piece:
                line += (_between(line[-1], piece), piece + " " if piece == "," else piece)
            if piece.strip():
                operand = not is_operator and piece.strip() not in ("(", "[", "{", ",")
        if child.tail and child.tail.strip():
            line.append(child.tail.strip())
    return "".join(line)


def _between(before: str, after: str) -> str:
    """A blank where two neighbours in a formula would read as one word, number or exponent."""
    digits = before[-1:].isdigit() and after[:1].isdigit()
    letters = before[-1:].isalpha() and after[:1].isalpha()
    words = letters and _WORD_END.search(before[-2:]) and _WORD_START.match(after)
    scripted = after[:1].isalnum() and _SCRIPT_END.search(before[-40:])  # "h^n M", not "h^nM"
    return " " if digits or words or scripted else ""


def _group(text: str) -> str:
    text = text.strip()
    return text if len(text) < 2 or _SIMPLE.fullmatch(text) else f"({text})"


def _arguments(node: etree._Element, count: int) -> list[str]:
    found = [_math(child).strip() for child in _elements(node)]
    # A malformed formula with more arguments than it may have still keeps all of them.
    return [*found[: count - 1], " ".join(found[count - 1 :])] + [""] * (count - max(len(found), 1))


def _scripted(base: str, below: str, above: str) -> str:
    text = _group(base)
    if below:
        text += "_" + _group(below)
    if above == "∘":
        text += "°"  # degrees, written with the ring operator
    elif above:
        text += above if above.strip("′″‴'") == "" else "^" + _group(above)
    return text


def _msub(node: etree._Element) -> str:
    base, below = _arguments(node, 2)
    return _scripted(base, below, "")


def _msup(node: etree._Element) -> str:
    base, above = _arguments(node, 2)
    return _scripted(base, "", above)


def _msubsup(node: etree._Element) -> str:
    base, below, above = _arguments(node, 3)
    return _scripted(base, below, above)


def _mover(node: etree._Element) -> str:
    base, above = _arguments(node, 2)
    return _group(base) + above if above in _ACCENTS else _scripted(base, "", above)


def _munder(node: etree._Element) -> str:
    base, below = _arguments(node, 2)
    return _group(base) + below if below in _ACCENTS else _scripted(base, below, "")


def _mfrac(node: etree._Element) -> str:
    above, below = _arguments(node, 2)
    return f"{_group(above)}/{_group(below)}"


def _mroot(node: etree._Element) -> str:
    radicand, degree = _arguments(node, 2)
    return f"{degree}√{_group(radicand)}"


_SCRIPTS: dict[str, Callable[[etree._Element], str]] = {
    "msub": _msub,
    "msup": _msup,
    "msubsup": _msubsup,
    "mover": _mover,
    "munder": _munder,
    "munderover": _msubsup,
    "mfrac": _mfrac,
    "mroot": _mroot,
}


def _fenced(node: etree._Element) -> str:
    separators = "".join(str(node.get("separators", ",")).split())
    if not separators or len(node) == 1:
        return f"{node.get('open', '(')}{_row(node)}{node.get('close', ')')}"
    parts = [_math(child).strip() for child in _elements(node)]
    line = parts[0] if parts else ""
    for position, part in enumerate(parts[1:]):
        line += separators[min(position, len(separators) - 1)] + " " + part
    return f"{node.get('open', '(')}{line}{node.get('close', ')')}"


def _multiscripts(node: etree._Element) -> str:
    before: list[str] = []
    after: list[str] = []
    target = after
    children = _elements(node)
    scripts = children[1:]
    slot = 0
    for script in scripts:
        if script.tag == "mprescripts":
            target, slot = before, 0
            continue
        text = _math(script).strip()
        if text:
            target.append(("^" if slot % 2 else "_") + _group(text))
        slot += 1
    base = _group(_math(children[0])) if children else ""
    return "".join(before) + base + "".join(after)


# --- tables -----------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Grid:
    """Fills spanned places, within a budget: a hostile table could span without end."""

    budget: int
    carried: dict[int, tuple[int, str]] = field(default_factory=dict)  # column → last row covered, text

    def repeated(self, text: str, times: int) -> list[str]:
        """`times` copies for the places a cell also covers, or fewer if the budget does not reach."""
        copy = text if len(text) <= _LONGEST_REPEATED else ""
        allowed = max(min(times, self.budget // (len(copy) + 3)), 0)
        self.budget -= allowed * (len(copy) + 3)
        return [copy] * allowed

    def take_carried(self, cells: list[str], row: int) -> None:
        """Appends what cells of earlier rows cover next to the end of `cells`."""
        while (held := self.carried.get(len(cells))) is not None:
            last_row, text = held
            copies = self.repeated(text, 1) if last_row >= row else []
            if not copies:
                del self.carried[len(cells)]
            cells.extend(copies)

    def close(self, cells: list[str], row: int) -> None:
        """Ends a row: cells of earlier rows may cover places beyond its own last cell."""
        if self.budget < 3:
            self.carried.clear()
        self.carried = {column: held for column, held in self.carried.items() if held[0] >= row}
        for column in sorted(self.carried):
            if column >= len(cells):
                cells.extend(self.repeated("", column - len(cells)))
                self.take_carried(cells, row)


def _span(value: str | None) -> int:
    return int(value) if value and value.isdecimal() and len(value) < 5 and int(value) > 0 else 1


def _columns(cell: etree._Element, names: dict[str, int]) -> int:
    """How many columns a cell covers, in the HTML table model or the CALS one (`namest`, `nameend`)."""
    first, last = names.get(cell.get("namest", "")), names.get(cell.get("nameend", ""))
    if first is not None and last is not None:
        return max(last - first + 1, 1)
    return _span(cell.get("colspan"))


def _rows_covered(cell: etree._Element) -> int:
    more = cell.get("morerows")
    return _span(more) + 1 if more and more != "0" else _span(cell.get("rowspan"))


def _ordered_rows(table: etree._Element) -> Iterator[list[etree._Element]]:
    """The cells of each row: head first, then body, then foot, wherever the file has them."""
    by_part: dict[str, list[etree._Element]] = {"thead": [], "tbody": [], "tfoot": []}
    for row in table.iter("tr", "row"):
        if next(row.iterancestors(table.tag), table) is table:  # else it belongs to a table in a cell
            part = next((str(above.tag) for above in row.iterancestors("thead", "tfoot", table.tag)), "")
            by_part[part if part in by_part else "tbody"].append(row)
    for rows in by_part.values():
        for row in rows:
            yield [cell for cell in row if cell.tag in ("td", "th", "entry")]


def table_rows(table: etree._Element, text_of: Callable[[etree._Element], str]) -> list[str]:
    """The rows of a table (``table``, ``array``, CALS ``tgroup``), each as one line.

    Cells are joined by " | ". A cell that covers several columns or rows is repeated in each, so that
    columns align and each row can be read by itself; a row that is one cell across the whole table is
    said once. Empty rows are left out, and empty cells at the end of a row.
    """
    rows = [[(cell, " ".join(text_of(cell).split())) for cell in row] for row in _ordered_rows(table)]
    names = {str(c.get("colname")): at for at, c in enumerate(table.iter("colspec"))}
    grid = _Grid(budget=200 + 2 * sum(len(text) for row in rows for _, text in row))
    lines = []
    for position, row in enumerate(rows):
        cells = _expanded(row, position, grid, names, last_row=len(rows) - 1)
        if len(row) == 1 and len(set(cells)) == 1:
            cells = cells[:1]
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            lines.append(" | ".join(cells))
    return lines


def _expanded(
    row: list[tuple[etree._Element, str]], position: int, grid: _Grid, names: dict[str, int], *, last_row: int
) -> list[str]:
    """The cells of one row, those that span several places repeated in each."""
    cells: list[str] = []
    for cell, text in row:
        grid.take_carried(cells, position)
        start = len(cells)
        cells.append(text)
        cells.extend(grid.repeated(text, _columns(cell, names) - 1))
        covered_to = min(position + _rows_covered(cell) - 1, last_row)
        if covered_to > position:
            grid.carried.update(dict.fromkeys(range(start, len(cells)), (covered_to, text)))
    grid.close(cells, position)
    return cells
