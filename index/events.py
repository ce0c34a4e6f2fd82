"""What long work on the library reports while it runs. A renderer draws these; stopping to pull stops it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class StageStarted:
    """Work of a kind begins; `total` steps, or None where that cannot be known (loading a model)."""

    stage: str
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Advanced:
    """`done` steps of the current stage are finished; `detail` names what is worked on."""

    done: int
    detail: str = ""


@dataclass(frozen=True, slots=True)
class PaperSynced:
    """A paper is in the library from now on: found by its words, and once it is embedded by its meaning.

    `change` is "added" or "changed".
    """

    path: str
    key: str
    title: str
    change: str
    passages: int


@dataclass(frozen=True, slots=True)
class PaperFailed:
    """A file gave no paper."""

    path: str
    reason: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a sync did. Counts are of files; `failed` holds every file that gives no paper now."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    unchanged: int = 0
    duplicates: tuple[str, ...] = ()  # read, and found to be a paper that is indexed from a better file
    failed: tuple[PaperFailed, ...] = ()
    warnings: tuple[str, ...] = field(default=())
    passages: int = 0  # new ones, found by their words
    embedded: int = 0  # passages that got their vectors, those of earlier runs too: found by meaning as well
    seconds: dict[str, float] = field(default_factory=dict)  # by the clock, by stage
    core_seconds: dict[str, float] = field(default_factory=dict)  # processor time, workers included, by stage
    reading: dict[str, float] = field(default_factory=dict)  # parsing and splitting, in all workers together
    cores: int = 1

    @property
    def idle(self) -> float:
        """The share of the cores' time in which this run computed nothing: it waited, or others computed."""
        whole = sum(self.seconds.values()) * self.cores
        return max(0.0, 1 - sum(self.core_seconds.values()) / whole) if whole else 0.0


@dataclass(frozen=True, slots=True)
class Synced:
    """The last event."""

    report: SyncReport


@dataclass(frozen=True, slots=True)
class PaperFetched:
    """A paper came over the network; `service` is the one that had it."""

    name: str
    service: str
    path: str


@dataclass(frozen=True, slots=True)
class RequestFailed:
    """No service gave the paper. `title` is what the user's list calls it, if it came from one."""

    name: str
    title: str
    reason: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class FetchReport:
    """What a run over the network did; `held` papers were in the library already."""

    served: tuple[PaperFetched, ...] = ()
    failed: tuple[RequestFailed, ...] = ()
    held: int = 0


@dataclass(frozen=True, slots=True)
class RunFetched:
    """The last event of a run over the network."""

    report: FetchReport


FetchEvent = StageStarted | Advanced | PaperFetched | RequestFailed | RunFetched

SyncEvent = StageStarted | Advanced | PaperSynced | PaperFailed | Synced
