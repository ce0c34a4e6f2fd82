"""A run over many papers that nothing ends but its user: every failure is kept with its reason, and what
came is kept as a file. A run that is stopped goes on from there."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path

from index.errors import FetchError
from index.events import (
    Advanced,
    FetchEvent,
    FetchReport,
    PaperFetched,
    RequestFailed,
    RunFetched,
    StageStarted,
)
from index.fetch.services import Delivered, Services
from index.fetch.wanted import Wanted
from index.library import Library
from index.model import PaperIds
from index.net.client import HttpClient
from index.objects import write_durably
from index.parse.builder import plain
from index.requests import Request

_WORKERS = 6
_MAX_NAME = 100


class FetchRun:
    """Fetches papers into a library's folder. Bringing them in is then the work of sync."""

    def __init__(self, library: Library, client: HttpClient, services: Services) -> None:
        self._library = library
        self._client = client
        self._services = services

    def run(
        self, wanted: Sequence[Wanted], *, fresh: bool = False, complete: bool = False
    ) -> Generator[FetchEvent, None, None]:
        """Fetches each paper that the library lacks; `fresh` asks servers, not the cache, once more.

        `complete` also fetches papers that the library has in part. Closing the stream stops the run.
        """
        held = set() if complete else self._held()
        todo = [one for one in {w.name: w for w in wanted}.values() if not _names(one.ids, one.name) & held]
        before = self._remember(todo, held)
        served: list[PaperFetched] = []
        failures: list[RequestFailed] = []
        yield StageStarted("fetching papers", len(todo))
        for done, request in enumerate(self._requests(todo, before, fresh), 1):
            if request.status == "served":
                paper = PaperFetched(request.name, request.service, request.path)
                served.append(paper)
                yield paper
            else:
                failed = RequestFailed(request.name, request.wanted.title, request.reason, request.hint)
                failures.append(failed)
                yield failed
            yield Advanced(done, request.name)
        held_already = len({w.name for w in wanted}) - len(todo)
        yield RunFetched(FetchReport(tuple(served), tuple(failures), held_already))

    def _held(self) -> set[str]:
        """Names of papers that need not be fetched: they are here with their text."""
        with self._library.read() as reader:
            papers = [paper for paper in reader.papers() if not paper.body_missing]
            removed = {source.path for source in reader.sources(status="excluded")}
            served = [r for r in reader.requests(status="served") if r.path not in removed]
        served = [request for request in served if Path(request.path).is_file()]
        names = {name for paper in papers for name in _names(paper.record.ids)}
        return names | {name for request in served for name in _names(request.wanted.ids, request.name)}

    def _remember(self, todo: Iterable[Wanted], held: set[str]) -> dict[str, Request]:
        """Notes what is asked for before anyone is asked, so that a run that is cut off goes on."""
        with self._library.read() as reader:
            known = {request.name: request for request in reader.requests()}
        asked = {
            one.name: replace(known.get(one.name, Request(one)), wanted=one, status="waiting") for one in todo
        }
        # One that failed under this name is here by another: nobody needs to hear of it any more.
        here = [
            replace(request, status="served", reason="", hint="")
            for name, request in known.items()
            if request.status == "failed" and name not in asked and _names(request.wanted.ids, name) & held
        ]
        self._library.fetched.mkdir(exist_ok=True)
        with self._library.write() as writer:
            # Followed from the start: if the run is cut off, sync finds what came.
            writer.follow(str(self._library.fetched.resolve()), [])
            writer.put_requests([*asked.values(), *here])
        return asked

    def _requests(
        self, todo: Sequence[Wanted], before: dict[str, Request], fresh: bool
    ) -> Generator[Request, None, None]:
        """Each request when it is done, in any order. Few are under way at a time."""
        pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="citewell-fetch")
        running: dict[Future[Delivered], Request] = {}
        queue = [before[one.name] for one in reversed(todo)]
        finished = False
        try:
            while queue or running:
                while queue and len(running) < 2 * _WORKERS:
                    request = queue.pop()
                    running[pool.submit(self._services.fetch, request.wanted, fresh=fresh)] = request
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    yield self._keep(running.pop(future), future)
            finished = True
        finally:
            if not finished:
                self._client.stop.set()  # whoever waits for a server stops waiting
            pool.shutdown(wait=True, cancel_futures=True)

    def _keep(self, request: Request, future: Future[Delivered]) -> Request:
        """Writes down what came, the file before the row that speaks of it."""
        request = replace(request, tries=request.tries + 1)
        try:
            delivered = future.result()
            path = self._write(request, delivered)
        except FetchError as error:
            request = replace(request, status="failed", reason=error.message, hint=error.hint)
        except Exception as error:
            # Whatever the libraries below raise for hostile input, and a full disk: one paper must not
            # end a run over thousands.
            said = plain(str(getattr(error, "strerror", None) or error))[:200] or type(error).__name__
            reason = f"it could not be kept: {said}"
            request = replace(request, status="failed", reason=reason, hint="Try again with: citewell retry")
        else:
            request = replace(
                request,
                status="served",
                reason="",
                hint="",
                service=delivered.service,
                url=delivered.url,
                path=str(path),
                facts=delivered.facts,
            )
        with self._library.write() as writer:
            writer.put_requests([request])
        return request

    def _write(self, request: Request, delivered: Delivered) -> Path:
        folder = self._library.fetched.resolve()
        name = delivered.facts.ids.pmcid or request.name
        path = folder / f"{_file_name(name)}{delivered.suffix}"
        write_durably(path, delivered.body)
        return path


def _names(ids: PaperIds, name: str = "") -> set[str]:
    """Every name by which a paper may be asked for."""
    labelled = (ids.pmcid, ids.doi, ids.arxiv and f"arXiv:{ids.arxiv}", ids.pmid and f"PMID:{ids.pmid}")
    return {one for one in (*labelled, name) if one}


def _file_name(name: str) -> str:
    """A name that any file system takes, and that no two papers share."""
    plain = re.sub(r"[^A-Za-z0-9.-]+", "_", name).strip("._")[:_MAX_NAME]
    if plain == name:
        return plain
    return f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
