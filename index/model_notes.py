"""What was found out about models on this machine, so that it is found out once: small JSON files in a cache.

A note holds for the very file of weights that it was made for (size, time, inode). One that is missing,
damaged or out of date is made again; where the cache cannot be written, each start finds out anew.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from index.embed import Fingerprint
from index.objects import write_durably

_VERSION = 1  # raise it when a note means something else, or when backends may compute something else


@dataclass(frozen=True, slots=True)
class ModelNote:
    """A model's folder, its fingerprint, and how well ONNX Runtime agrees with torch about it.

    `agreement` is the smallest cosine between the vectors of the two, over fixed texts; None if it was not
    measured here.
    """

    folder: Path
    fingerprint: Fingerprint
    agreement: float | None


class ModelNotes:
    """The notes in a folder, which need not exist."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _file(self, name: str) -> Path:
        return self._folder / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.json"

    def read(self, name: str) -> ModelNote | None:
        """The note about the model of this name, if there is one and its weights are still the same."""
        try:
            found = json.loads(self._file(name).read_text("utf-8"))
            note = ModelNote(Path(found["folder"]), Fingerprint(**found["fingerprint"]), found["agreement"])
            holds = (found["version"], found["name"]) == (_VERSION, name)
            return note if holds and found["weights"] == _identity(note.folder) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, name: str, note: ModelNote) -> None:
        """Keeps a note; without a word where that is impossible."""
        with suppress(OSError):
            content = {
                "version": _VERSION,
                "name": name,
                "folder": str(note.folder),
                "weights": _identity(note.folder),
                "fingerprint": asdict(note.fingerprint),
                "agreement": note.agreement,
            }
            self._folder.mkdir(parents=True, exist_ok=True)
            write_durably(self._file(name), json.dumps(content, indent=1).encode())


def _identity(folder: Path) -> list[list[int]]:
    """What changes when a file of weights is replaced or written to; OSError if there is none."""
    facts = [path.stat() for path in sorted(folder.glob("*.safetensors"))]
    if not facts:
        raise FileNotFoundError(folder)
    return [[fact.st_size, fact.st_mtime_ns, fact.st_ino] for fact in facts]
