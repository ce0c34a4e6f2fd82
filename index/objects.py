"""The raw bytes of every source, kept as they were read: write-once files named by their SHA-256."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from index.errors import LibraryDamaged


class ObjectStore:
    """A folder of files named `ab/<sha256>`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, sha256: str) -> Path:
        """Where the bytes with this hash are, or would be."""
        return self._folder / sha256[:2] / sha256

    def put(self, data: bytes) -> str:
        """Keeps `data` durably and returns its SHA-256. Writing what is there already costs nothing."""
        sha256 = hashlib.sha256(data).hexdigest()
        path = self.path(sha256)
        if path.exists() and path.stat().st_size == len(data):
            return sha256
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True, exist_ok=True)
            sync_folder(self._folder)
        write_durably(path, data)
        return sha256

    def get(self, sha256: str) -> bytes:
        """The bytes with this hash; LibraryDamaged if they are gone or altered."""
        try:
            data = self.path(sha256).read_bytes()
        except OSError as error:
            raise LibraryDamaged(
                f"the stored copy {sha256[:12]}… is missing", "Run: citewell doctor"
            ) from error
        if hashlib.sha256(data).hexdigest() != sha256:
            raise LibraryDamaged(f"the stored copy {sha256[:12]}… is damaged", "Run: citewell doctor")
        return data

    def remove_except(self, wanted: set[str]) -> int:
        """Deletes every object not in `wanted` and returns how many; call it under the writer lock."""
        stale = [path for path in self._files() if path.name not in wanted]
        for path in stale:
            path.unlink(missing_ok=True)
        return len(stale)

    def _files(self) -> Iterator[Path]:
        return (path for path in self._folder.glob("??/*") if path.is_file())


def write_durably(path: Path, data: bytes) -> None:
    """Writes a file so that after a crash it is there whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Makes renames in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
