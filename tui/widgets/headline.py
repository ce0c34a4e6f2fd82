"""The line at the top: which library, how much is in it, what searches it."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from tui.clean import line
from tui.widgets.ink import MUTED
from tui.widgets.place import counted


class HeadLine(Static):
    """One line, cut short where the terminal is narrow."""

    def __init__(self, library: str, writer: str = "") -> None:
        super().__init__(id="headline")
        self._library = line(library)
        self._writer = line(writer) or "no LLM"
        self.tell(None, "")

    def tell(self, papers: int | None, model: str) -> None:
        """Shows what is known so far; `papers` is None until the library has been read."""
        facts = [self._library]
        if papers is not None:
            facts += [counted(papers, "paper"), line(model), self._writer]
        said = " · ".join(fact for fact in facts if fact)
        self.update(Content.assemble(("citewell", "bold"), (" ─ ", MUTED), said))
