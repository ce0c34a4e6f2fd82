"""Every screen as it was last looked at and found good: wide and narrow, dark and light.

A file under tests/snapshots holds what is read on a screen and, for both themes, in which style each cell is.
After a change that is meant, look at the screens and write the files anew:

    CITEWELL_SNAPSHOTS=write pytest tests/test_snapshots.py
    CITEWELL_PICTURES=FOLDER pytest tests/test_snapshots.py      # SVG pictures to look at, in any browser
"""

from __future__ import annotations

import difflib
import os
from importlib.metadata import version
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.gallery import SCREENS, dump, make_app, prepare, still
from tests.test_tui import seen

FOLDER = Path(__file__).parent / "snapshots"
SIZES = [(140, 40), (80, 24)]
THEMES = ["textual-dark", "textual-light"]
# Another release may draw its own widgets and themes otherwise, which is no change of ours.
DRAWN_BY = f"textual {'.'.join(version('textual').split('.')[:2])}"


def _expected(path: Path) -> str:
    if os.environ.get("CITEWELL_SNAPSHOTS") == "write":
        return ""
    expected = path.read_text("utf-8")
    if not expected.startswith(f"{DRAWN_BY}\n"):
        pytest.skip(f"drawn by {expected.splitlines()[0]}; here is {DRAWN_BY}")
    return expected


async def _drawn(pilot: Pilot[None], name: str) -> str:
    """What is read, then the styles in each theme."""
    app = pilot.app
    parts = [DRAWN_BY]
    for theme in THEMES:
        app.theme = theme
        await still(pilot)
        parts += [*([seen(app)] if theme == THEMES[0] else []), f"== {theme}", dump(app)]
        if pictures := os.environ.get("CITEWELL_PICTURES"):
            (Path(pictures) / f"{name}-{app.size.width}-{theme}.svg").write_text(
                app.export_screenshot(), "utf-8"
            )
    return "\n".join(parts) + "\n"


@pytest.mark.parametrize("size", SIZES, ids=["wide", "narrow"])
async def test_the_screens_are_as_they_were(
    size: tuple[int, int], sample_library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(monkeypatch)
    (tmp_path / "papers").symlink_to(sample_library)
    app = make_app(tmp_path / "papers")
    changed: list[str] = []
    async with app.run_test(size=size) as pilot:
        for name, go_there in SCREENS.items():
            path = FOLDER / f"{name}-{size[0]}x{size[1]}.txt"
            expected = _expected(path)
            await go_there(pilot)
            found = await _drawn(pilot, name)
            if not expected:
                path.parent.mkdir(exist_ok=True)
                path.write_text(found, "utf-8")
            before, now = (text.splitlines() for text in (expected or found, found))
            changed += difflib.unified_diff(before, now, path.name, "now", n=1, lineterm="")
    if changed:
        pytest.fail("screens have changed:\n" + "\n".join(changed), pytrace=False)


def test_no_snapshot_is_left_of_a_screen_that_is_gone() -> None:
    known = {f"{name}-{w}x{h}.txt" for name in SCREENS for w, h in SIZES}
    assert {path.name for path in FOLDER.iterdir()} == known
