"""Installs the rivals: `python -m benchmarks.rivals install [--where DIR] [NAME ...]`."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.rivals.environments import RIVALS, default_place, install, version_of


def main() -> None:
    """The command line."""
    names = [rival.name for rival in RIVALS]
    options = argparse.ArgumentParser(prog="python -m benchmarks.rivals")
    options.add_argument("what", choices=("install",))
    options.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names)}; by default all")
    options.add_argument("--where", type=Path, default=default_place(), help="by default the user's cache")
    given = options.parse_args()
    if unknown := set(given.names) - set(names):
        options.error(f"there is no rival {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    print(f"Into {given.where}: 1.6 GB each, most of it torch.", flush=True)
    for rival in RIVALS:
        if not given.names or rival.name in given.names:
            install(rival, given.where)
            print(f"{rival.name} {version_of(rival, given.where)}", flush=True)


if __name__ == "__main__":
    main()
