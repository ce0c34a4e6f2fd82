"""Small changes of the library that the screen makes in a thread: removing and tagging."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tui.widgets.place import shortened
from tui.work_messages import Changed

if TYPE_CHECKING:
    from index.library import Library
    from tui.listing import Row

_NAME = 50  # characters


def removing(library: Library, row: Row) -> Callable[[], Changed]:
    """Takes the row's paper out, and says how to bring it back."""
    paper = row.paper
    assert paper is not None

    def remove_it() -> Changed:
        from index.remove import remove
        from index.restore import removed

        remove(library, [paper.key])
        name = shortened(row.name, _NAME)
        return Changed(f"removed {name} · z brings it back", [removed(paper, name)])

    return remove_it


def tagging(library: Library, row: Row, typed: str) -> Callable[[], Changed]:
    """Gives the row's paper exactly the tags that were typed."""
    paper = row.paper
    assert paper is not None

    def tag_it() -> Changed:
        from index.tags import checked_tag

        wanted = {checked_tag(name) for name in typed.split(",") if name.strip()}
        known = {tag.casefold(): tag for tag in paper.tags}
        lost = [tag for folded, tag in known.items() if folded not in {w.casefold() for w in wanted}]
        with library.write() as writer:
            for tag in lost:
                writer.remove_tag([paper.id], tag)
            for tag in sorted(wanted):
                writer.add_tag([paper.id], tag)
        name = shortened(row.name, _NAME)
        said = f"{name} has the tags {', '.join(sorted(wanted))}" if wanted else f"{name} has no tags"
        return Changed(said)

    return tag_it


def tag_completions(known: Sequence[str]) -> Callable[[str], list[str]]:
    """Completes the last of several tags from those that there are."""

    def complete(typed: str) -> list[str]:
        head, comma, last = typed.rpartition(",")
        begun = last.strip().casefold()
        before = f"{head}{comma} " if comma else ""
        return [before + tag for tag in known if begun and tag.casefold().startswith(begun)]

    return complete
