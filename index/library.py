"""A library on disk: one SQLite file that is the truth, and beside it what can be rebuilt from it.

    library/  library.db                    papers, text, passages, vectors, full text, failures
              objects/ab/<sha256>           raw bytes as read, write-once
              index/<generation>-<model>.rows
              fetched/                      papers that came over the network, followed like any folder
              conversations/                questions and answers that were kept (qa/history.py)
              quarantine/                   index files whose checksum did not hold
              .writer.lock                  held by the one process that writes
      .indexing.lock                held by the one run that looks after what earlier ones left

Readers take one read transaction per question. Writers hold the lock for one commit at a time, so that
`ask` works, and a second `add` waits its turn, while a long `add` runs.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from index.errors import LibraryDamaged, LibraryError, LibraryLocked, LibraryMissing
from index.objects import ObjectStore
from index.schema import VERSION, check_version, prepare

if TYPE_CHECKING:  # they bring in numpy: imported once something is read or written
    from index.reader import Reader
    from index.writer import Writer

_BUSY_SECONDS = 10.0


class Library:
    """The handle to a library folder. Holds no connection, so it may be used from any thread."""

    def __init__(self, folder: Path, *, lock_seconds: float = 30.0) -> None:
        self.folder = folder
        self.objects = ObjectStore(folder / "objects")
        self.index_folder = folder / "index"
        self.quarantine = folder / "quarantine"
        self._lock_seconds = lock_seconds

    @property
    def fetched(self) -> Path:
        """The folder of the files that came over the network; sync follows it like any other."""
        return self.folder / "fetched"

    @property
    def conversations(self) -> Path:
        """The folder of the kept conversations."""
        return self.folder / "conversations"

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.folder / "library.db"

    def exists(self) -> bool:
        """Whether there is a library here."""
        return self.database.is_file()

    def create(self) -> None:
        """Makes the library if there is none, and brings an older one up to date.

        Raises LibraryError when the folder cannot be written or holds something else.
        """
        try:
            if not self.exists() and self.folder.is_dir() and _foreign(self.folder):
                raise LibraryError(
                    f"{self.folder} is a folder with other files in it, not a citewell library",
                    "Name a new or empty folder with --library.",
                )
            for folder in (self.folder, self.index_folder, self.folder / "objects"):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LibraryError(
                f"cannot make a library at {self.folder}: {error.strerror or error}",
                "Choose another place with --library.",
            ) from error
        with self.lock(), _closing(self._connect(write=True)) as connection, _explained(self.folder):
            prepare(connection)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """The writer lock; the kernel lets go of it when its holder dies. LibraryLocked after the wait."""
        lock = FileLock(self.folder / ".writer.lock", timeout=self._lock_seconds)
        try:
            lock.acquire()
        except Timeout as error:
            raise LibraryLocked(
                f"another citewell is writing to {self.folder}",
                "Wait for it to finish, or stop it, and try again.",
            ) from error
        except OSError as error:
            raise LibraryError(
                f"cannot write to the library at {self.folder}: {error.strerror or error}",
                "Check the folder's permissions.",
            ) from error
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def indexing(self) -> Iterator[bool]:
        """Whether this run is the one, of those that bring papers in at a time, that finishes what earlier
        ones left behind; never waits."""
        # Not bound to a thread: a stream may be closed in another one than it was begun in.
        lock = FileLock(self.folder / ".indexing.lock", timeout=0, thread_local=False)
        try:
            lock.acquire()
            held = True
        except (Timeout, OSError):  # where nothing can be written, there is nothing to finish either
            held = False
        try:
            yield held
        finally:
            lock.release()

    @contextmanager
    def read(self) -> Iterator[Reader]:
        """One read transaction: everything seen inside belongs to one generation."""
        from index.reader import Reader

        if not self.exists():
            raise LibraryMissing(
                f"there is no library at {self.folder}", "Make one with: citewell add FOLDER"
            )
        with _closing(self._connect(write=False)) as connection, _explained(self.folder):
            _require_current(connection, self.folder)
            connection.execute("BEGIN")
            yield Reader(connection)

    @contextmanager
    def write(self) -> Iterator[Writer]:
        """The writer lock and one transaction, committed at the end and rolled back on any error."""
        from index.writer import Writer

        if not self.exists():
            raise LibraryMissing(
                f"there is no library at {self.folder}", "Make one with: citewell add FOLDER"
            )
        with (
            self.lock(),
            _disk_explained(self.folder),
            _closing(self._connect(write=True)) as connection,
            _explained(self.folder),
        ):
            prepare(connection)
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield Writer(connection, self.objects)
                connection.execute("COMMIT")
            finally:
                # SQLite may have rolled back by itself (a full disk); a second one would hide why.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    def backup(self, target: Path) -> None:
        """A consistent copy of the database while others read and write."""
        with (
            _explained(self.folder),
            _closing(self._connect(write=False)) as source,
            _closing(sqlite3.connect(target)) as copy,
        ):
            source.backup(copy)

    def _connect(self, *, write: bool) -> sqlite3.Connection:
        with _explained(self.folder):
            if not write:
                return _configured(self._connect_for_reading())
            connection = sqlite3.connect(self.database, timeout=_BUSY_SECONDS, isolation_level=None)
            try:
                check_version(_configured(connection))  # a newer library keeps even its journal mode
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute("PRAGMA foreign_keys = ON")
            except BaseException:
                connection.close()
                raise
        return connection

    def _connect_for_reading(self) -> sqlite3.Connection:
        place = self.database.absolute().as_uri()
        connection = sqlite3.connect(
            f"{place}?mode=ro", uri=True, timeout=_BUSY_SECONDS, isolation_level=None
        )
        try:
            connection.execute("PRAGMA schema_version").fetchone()
        except sqlite3.OperationalError:
            connection.close()
            log = self.folder / "library.db-wal"
            if log.exists() and log.stat().st_size:
                raise  # without its log the library would be an older one, or none
            # On a read-only medium the write-ahead log's index cannot be made; nobody writes there either.
            connection = sqlite3.connect(f"{place}?immutable=1", uri=True, isolation_level=None)
        except sqlite3.DatabaseError:
            pass  # not a database: said where the version is read
        return connection


def _configured(connection: sqlite3.Connection) -> sqlite3.Connection:
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


@contextmanager
def _closing(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """SQLite's errors in the user's words."""
    try:
        yield
    except sqlite3.OperationalError as error:
        text = str(error)
        if "locked" in text or "busy" in text:
            raise LibraryLocked(
                f"the library at {folder} is busy", "Try again when the other citewell has finished."
            ) from error
        if "full" in text:
            raise LibraryError(
                f"the disk that holds {folder} is full", "Free some space; the library is as it was."
            ) from error
        raise LibraryError(
            f"the library at {folder} cannot be used: {text}", "Run: citewell doctor"
        ) from error
    except sqlite3.DatabaseError as error:
        raise LibraryDamaged(
            f"the library at {folder} is damaged: {error}", "Run: citewell doctor"
        ) from error


@contextmanager
def _disk_explained(folder: Path) -> Iterator[None]:
    """Errors of the files beside library.db, in the user's words."""
    try:
        yield
    except OSError as error:
        raise LibraryError(
            f"the library at {folder} cannot be written: {error.strerror or error}",
            "Free some space or check the folder; the library is as it was.",
        ) from error


def _require_current(connection: sqlite3.Connection, folder: Path) -> None:
    if check_version(connection) < VERSION:
        raise LibraryError(
            f"the library at {folder} was made by an older citewell or is not finished",
            "Run: citewell sync",
        )


def _foreign(folder: Path) -> bool:
    ours = {
        "library.db",
        "library.db-wal",
        "library.db-shm",
        "objects",
        "fetched",
        "index",
        "conversations",
        "quarantine",
        ".writer.lock",
        ".indexing.lock",
    }
    return any(entry.name not in ours for entry in folder.iterdir())
