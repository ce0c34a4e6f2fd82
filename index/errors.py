"""Every error that citewell raises on purpose, in one screenful.

    CitewellError
    ├── SettingsError        a setting or an option cannot be used
    ├── SourceError          what the user handed us cannot be read
    ├── ParseError           a file was read but gives no paper
    ├── FetchError           what was asked of the network did not come
    ├── ModelError           an embedding model cannot be loaded or misbehaves
    ├── LlmError             the server of a language model is missing, too slow, or says no
    ├── DatasetError         an evaluation's questions or judgements cannot be used
    ├── HistoryError         a kept conversation cannot be found, read or written
    ├── ExportError          an answer cannot be written to where it was to go
    ├── ManuscriptError      a draft, or its bibliography, cannot be checked
    └── LibraryError         the library on disk cannot be used
        ├── LibraryMissing   there is no library there yet
        ├── LibraryLocked    another process is writing to it
        ├── LibraryTooNew    a newer citewell wrote it
        ├── LibraryDamaged   what is stored does not add up
        ├── WrongModel       the library was built with another embedding model
        ├── PaperNotFound    no paper, or more than one, answers to that name
        └── TagNotFound      no paper has that tag

The message says what happened and to what; `hint` says what to do next. Both are shown to the user
as they are, so neither carries a traceback, a class name or an unescaped piece of a paper.
"""

from __future__ import annotations


class CitewellError(Exception):
    """Base of all errors a user can cause. `hint` is one sentence on what to do next, or empty."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class SettingsError(CitewellError):
    """A setting or an option cannot be used as given."""


class SourceError(CitewellError):
    """A path the user named cannot be read."""


class ParseError(CitewellError):
    """A file was read but gives no paper; the message is the reason shown beside its name."""


class FetchError(CitewellError):
    """What was asked of the network did not come, or may not be asked for.

    `temporary` tells whether the same request may succeed later; the message says why it failed.
    """

    def __init__(self, message: str, hint: str = "", *, temporary: bool = False) -> None:
        super().__init__(message, hint)
        self.temporary = temporary


class ModelError(CitewellError):
    """An embedding model cannot be loaded, is not the one expected, or returned unusable vectors."""


class LlmError(CitewellError):
    """The server of a language model is missing, too slow, breaks off or says no."""


class DatasetError(CitewellError):
    """The questions, judgements or results of an evaluation cannot be used as they are."""


class HistoryError(CitewellError):
    """A kept conversation cannot be found, read or written."""


class ExportError(CitewellError):
    """An answer cannot be written to where it was to go."""


class ManuscriptError(CitewellError):
    """A draft, or the bibliography that goes with it, cannot be checked."""


class LibraryError(CitewellError):
    """The library on disk cannot be used."""


class LibraryMissing(LibraryError):
    """There is no library at that place yet."""


class LibraryLocked(LibraryError):
    """Another process holds the writer lock."""


class LibraryTooNew(LibraryError):
    """The library was written by a newer citewell; it is left untouched."""


class LibraryDamaged(LibraryError):
    """What is stored does not add up and could not be rebuilt."""


class WrongModel(LibraryError):
    """The library's vectors were made by another model than the one configured."""


class PaperNotFound(LibraryError):
    """No paper answers to the name, or more than one does."""


class TagNotFound(LibraryError):
    """No paper has the tag."""
