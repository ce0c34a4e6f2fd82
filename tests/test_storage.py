"""What the index can return is exactly what the catalogue holds, whatever was done in whatever order."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from index.identity import quality
from index.library import Library
from index.model import Paper
from index.remove import remove
from index.vectors import VectorIndex, seal
from tests.fakes import (
    FakeEmbedder,
    assert_whole,
    hash_vector,
    held,
    make_syncer,
    memory_folder,
    parse_tiny,
    report_of,
    tiny,
)


@dataclass(frozen=True)
class Draft:
    """What is written to a file: one of a few subjects, in a version and a format; or no paper at all."""

    subject: int
    version: int
    format: str
    bad: bool

    def text(self, serial: int) -> str:
        """The tiny paper. The serial makes its bytes, not its text, differ from all others."""
        if self.bad:
            return f"BAD {serial}"
        mark = f"s{self.subject}v{self.version}{self.format}"
        blocks = ["# One", f"Subject s{self.subject} is here as {mark}.", "# Two", f"More of {mark}."]
        doi = f"10.1/{self.subject}"
        return tiny(f"Study number {self.subject}", *blocks, doi=doi, format=self.format, year=str(serial))


DRAFTS = st.builds(
    Draft,
    st.integers(0, 3),
    st.integers(0, 2),
    st.sampled_from(["jats", "pdf", "text"]),
    st.sampled_from([False] * 7 + [True]),
)
PICK = st.integers(0, 99)


class LibraryMachine(RuleBasedStateMachine):
    """Files come, change, move and go; papers are taken out; the program stops midway, restarts and seals.

    The model is the papers folder itself and the set of files that the user took out.
    """

    @initialize(drafts=st.lists(DRAFTS, min_size=2, max_size=5))
    def begin(self, drafts: list[Draft]) -> None:
        self.place = Path(tempfile.mkdtemp(prefix="citewell-machine-", dir=memory_folder())).resolve()
        self.papers = self.place / "papers"
        self.papers.mkdir()
        self.serial = 1000
        self.out: set[Path] = set()
        for draft in drafts:
            self.write_new(draft)
        self.restart()
        self.library.create()
        report_of(make_syncer(self.library).add([self.papers]))
        self.equal()

    def teardown(self) -> None:
        if hasattr(self, "place"):
            shutil.rmtree(self.place)

    def pick(self, number: int) -> Path | None:
        """One of the files, if there are any."""
        files = sorted(self.papers.iterdir())
        return files[number % len(files)] if files else None

    def fresh(self) -> Path:
        """A path that was never used, anywhere in the order of names."""
        self.serial += 1
        return self.papers / f"{self.serial * 7919 % 1000:03}-{self.serial}.txt"

    # --- what happens --------------------------------------------------------------------------------

    @rule(draft=DRAFTS)
    def write_new(self, draft: Draft) -> None:
        self.fresh().write_text(draft.text(self.serial))

    @rule(number=PICK, draft=DRAFTS)
    def rewrite(self, number: int, draft: Draft) -> None:
        self.serial += 1
        if path := self.pick(number):
            path.write_text(draft.text(self.serial))

    @rule(number=PICK)
    def delete(self, number: int) -> None:
        if path := self.pick(number):
            path.unlink()

    @rule(number=PICK)
    def copy(self, number: int) -> None:
        if path := self.pick(number):
            shutil.copy(path, self.fresh())
            self.sync()

    @rule(number=PICK)
    def move(self, number: int) -> None:
        """A file that is known goes to another name, unseen."""
        self.sync()
        if path := self.pick(number):
            target = path.rename(self.fresh())
            self.out = {target if other == path else other for other in self.out}
            embedder = FakeEmbedder()
            report_of(make_syncer(self.library, embedder).sync())
            self.equal()
            assert embedder.embedded == [], "a moved file is not embedded again"

    @rule(steps=st.integers(0, 12), sealed=st.booleans())
    def sync_and_stop(self, steps: int, sealed: bool) -> None:
        """The user leaves midway; what is there then is whole, and a whole sync goes on from it.

        The index that was open all the time finds what is embedded, and nothing that waits.
        """
        events = make_syncer(self.library).sync()
        for _ in range(steps):
            if next(events, None) is None:
                break
        events.close()
        if sealed:
            seal(self.library)
        assert_whole(self.library, pending=None)
        with self.library.read() as reader:
            passages = reader.passages(i for p in reader.papers() for i in reader.passage_ids(p.id))
            nearest = self.index.search(reader, hash_vector("a question"), 100)
            embedded = {i for i, passage in passages.items() if not passage.pending}
            assert set(reader.passages(i for i, _ in nearest)) == embedded
        self.sync()

    @rule()
    def sync(self) -> None:
        report_of(make_syncer(self.library).sync())
        self.equal()
        embedder = FakeEmbedder()
        report = report_of(make_syncer(self.library, embedder).sync())
        assert embedder.embedded == [], "a second sync has nothing to do"
        assert (report.added, report.changed, report.removed, report.moved) == ((), (), (), ())

    @rule(number=PICK)
    def remove(self, number: int) -> None:
        self.sync()
        with self.library.read() as reader:
            papers = reader.papers()
        if papers:
            paper = papers[number % len(papers)]
            assert remove(self.library, [paper.key]) == [paper.key]
            self.out |= {Path(path) for path in paper.paths}
            self.equal()

    @rule(number=PICK)
    def add_by_name(self, number: int) -> None:
        if path := self.pick(number):
            self.out.discard(path)
            report_of(make_syncer(self.library).add([path]))
            self.sync()

    @rule()
    def seal(self) -> None:
        seal(self.library)

    @rule()
    def restart(self) -> None:
        self.library = Library(self.place / "library")
        self.index = VectorIndex(self.library)

    # --- what must hold ------------------------------------------------------------------------------

    def equal(self) -> None:
        """After a sync the library holds the papers in the files, each from its best file."""
        self.out = {path for path in self.out if path.exists()}
        papers: dict[str, dict[Path, Paper]] = {}
        for path in self.papers.iterdir():
            if path not in self.out and "BAD" not in path.read_text():
                paper = parse_tiny(path.read_bytes(), path.name)
                papers.setdefault(paper.record.title, {})[path] = paper
        there = {paper.title: paper for paper in held(self.library)}
        assert set(there) == set(papers)
        for title, copies in papers.items():
            best = max(quality(p.format, p.body_missing) for p in copies.values())
            # Of two equally good files either may be indexed.
            texts = {p.text for p in copies.values() if quality(p.format, p.body_missing) == best}
            assert there[title].paths == frozenset(map(str, copies))
            assert there[title].text in texts

    @invariant()
    def what_is_found_is_what_is_held(self) -> None:
        if not hasattr(self, "library"):
            return
        assert_whole(self.library)
        with self.library.read() as reader:
            passages = reader.passages(i for p in reader.papers() for i in reader.passage_ids(p.id))
            nearest = self.index.search(reader, hash_vector("a question"), 100)
            assert set(reader.passages(i for i, _ in nearest)) == set(passages)
            for subject in range(4):
                found = {i for i, _ in reader.match(f'text:"s{subject}"', 100, (1, 1, 1))}
                assert found == {i for i, p in passages.items() if f" s{subject} " in p.text}


LibraryMachine.TestCase.settings = settings(
    max_examples=8, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
)
test_random_sequences = LibraryMachine.TestCase
