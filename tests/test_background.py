"""Long work leaves the processor to the screen."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from tui.background import in_background


def test_the_error_of_the_step_is_raised_where_it_was_asked_for() -> None:
    with pytest.raises(KeyError, match="gone"):
        in_background(lambda: {}["gone"])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has priorities of threads")
def test_the_step_and_what_it_starts_give_way_and_nobody_else() -> None:
    def mine() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    before, found = mine(), []

    def step() -> None:
        found.append(mine())
        thread = threading.Thread(target=lambda: found.append(mine()))
        thread.start()
        thread.join()

    in_background(step)
    assert found == [max(before, 10), max(before, 10)]
    assert mine() == before
