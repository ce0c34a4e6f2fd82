"""A library from a list of ids while servers fail in every way: what arrives, what is said, what goes on."""

from __future__ import annotations

import io
import json
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from index.errors import ModelError
from index.events import Advanced, FetchReport, PaperFetched, RequestFailed, RunFetched, StageStarted
from index.fetch.run import FetchRun
from index.fetch.services import Options, Services
from index.fetch.wanted import Wanted, recognise
from index.library import Library
from index.model import Paper, PaperIds
from index.net.addresses import NetworkPolicy
from index.net.client import HttpClient
from index.parse import SUFFIXES, parse
from index.parse.pdf import PdfParser
from index.sync import Syncer
from qa.settings import load_settings
from tests.conftest import SAMPLES, Citewell
from tests.fake_services import LIMITS, FakeServices, Fault, Known, Trouble, fifty, jats, services, typed
from tests.fakes import FakeEmbedder, make_library, memory_folder, report_of
from tests.local_server import Asked, LocalServer, resolve
from tui.parts import Parts

Set = pytest.MonkeyPatch


def configure(monkeypatch: Set, addresses: dict[str, str], **more: str) -> None:
    """Settings as a user's environment gives them."""
    monkeypatch.setenv("CITEWELL_ADDRESSES", json.dumps(addresses))
    for name, value in more.items():
        monkeypatch.setenv(f"CITEWELL_{name.upper()}", value)


def test_fifty_papers_from_a_file_of_ids_while_a_third_of_the_addresses_fail(
    citewell: Citewell, monkeypatch: Set, tmp_path: Path
) -> None:
    papers, trouble = fifty(), Trouble()
    ids = tmp_path / "ids.txt"
    ids.write_text("# to read\n" + "\n".join(typed(papers)) + "\nPMCxyz\n10.5555/nobody.has.it\n")
    library = tmp_path / "library"
    with services(FakeServices(papers, fault=trouble)) as (server, addresses, network):
        configure(monkeypatch, addresses, contact="ada@example.org")
        first = citewell("add", str(ids), "--json", library=library, network=network)
        assert first.code == 3
        shown = json.loads(first.out)
        fetched = shown["fetched"]
        served, failed = fetched["served"], fetched["failed"]
        assert len(served) + len(failed) == 52
        assert {paper["service"] for paper in served} == {"tomesphere", "europepmc", "pmc", "arxiv"}
        assert len(shown["added"]) + len(shown["duplicates"]) == len(served)
        assert 30 <= len(served) <= 45  # which addresses fail follows from their names alone
        assert all(failure["reason"] and failure["hint"] for failure in failed)
        assert {a.headers["user-agent"].split()[1] for a in server.asked} == {"(mailto:ada@example.org)"}

        listed = citewell("papers", "--failed", library=library).out
        assert len(re.findall("^✗ ", listed, re.MULTILINE)) == len(failed)
        assert "✗ PMCxyz: it names no DOI, PMCID, PMID, arXiv id or link" in listed

        trouble.over = True
        again = citewell("retry", library=library, network=network)
        assert again.code == 3
        assert f"{50 - len(served)} papers fetched (" in again.out
        assert "2 not fetched" in again.out
        assert "✗ 10.5555/nobody.has.it: it is neither in PMC nor on arXiv, as far as is known" in again.out
        held = json.loads(citewell("papers", "--json", library=library).out)
        assert {p["pmcid"] or p["arxiv"] for p in held} == {p.pmcid or p.arxiv for p in papers}

        before = len(server.asked)
        once_more = citewell("add", str(ids), library=library, network=network)
        assert "0 papers fetched, 50 already here, 2 not fetched" in once_more.out
        assert len(server.asked) == before + 2  # Europe PMC and the converter, for the one that nobody has
        assert citewell("doctor", library=library).code == 0

    answer = json.loads(
        citewell("ask", "how much did compound farit45 slow growth?", "--json", library=library).out
    )
    assert answer["answer"][0]["text"] == "Compound farit45 slowed growth by 45 percent."


def test_what_the_services_say_is_kept_with_the_paper_however_often_it_is_read(
    citewell: Citewell, monkeypatch: Set, tmp_path: Path
) -> None:
    paper = Known(4, "PMC9000004", "10.5555/growth.4", "38000004", retracted=True)
    library = tmp_path / "library"
    with services(FakeServices([paper])) as (server, addresses, network):
        configure(monkeypatch, addresses)
        result = citewell("add", "PMID: 38000004", library=library, network=network)
        assert (result.code, result.out.splitlines()[0]) == (
            0,
            "1 paper fetched (tomesphere 1), 0 not fetched",
        )

    def shown() -> list[object]:
        (one,) = json.loads(citewell("papers", "--json", library=library).out)
        return [one[name] for name in ("paper_id", "doi", "pmid", "licence", "notes")]

    expected = ["PMC9000004", "10.5555/growth.4", "38000004", "cc by",
                ["this paper was retracted: J Growth. 2025;3:9"]]  # fmt: skip
    assert shown() == expected
    page = library / "fetched" / "PMC9000004.md"
    page.write_text(page.read_text().replace("cells", "yeasts"))
    assert "1 changed" in citewell("sync", library=library).out
    assert shown() == expected
    told = citewell("show", "PMC9000004", library=library).out
    assert "! this paper was retracted: J Growth. 2025;3:9" in told
    assert f"Served by   tomesphere {server.url('/paper/PMC9000004/full.md', 'tomesphere.test')}" in told
    assert "cell growth (retracted)" in citewell("papers", library=library).out


def test_a_removed_paper_stays_out_until_it_is_asked_for_again(
    citewell: Citewell, monkeypatch: Set, tmp_path: Path
) -> None:
    papers = [Known(n, f"PMC900000{n}", f"10.5555/growth.{n}", f"3800000{n}") for n in (1, 2, 3)]
    library = tmp_path / "library"

    def keys() -> list[str]:
        return sorted(p["paper_id"] for p in json.loads(citewell("papers", "--json", library=library).out))

    with services(FakeServices(papers)) as (_, addresses, network):
        configure(monkeypatch, addresses)
        citewell("add", "PMC9000001", "PMC9000002", library=library, network=network)
        citewell("remove", "PMC9000001", library=library)
        citewell("add", "PMC9000003", library=library, network=network)
        assert keys() == ["PMC9000002", "PMC9000003"]
        citewell("sync", library=library)
        assert keys() == ["PMC9000002", "PMC9000003"]
        citewell("add", "PMC9000001", library=library, network=network)
        assert keys() == ["PMC9000001", "PMC9000002", "PMC9000003"]


def test_a_summary_page_is_completed_by_its_full_view(
    citewell: Citewell, monkeypatch: Set, tmp_path: Path
) -> None:
    seed = Known(9, "PMC13017818", "10.3389/fcell.2026.1724597", "41000009")
    library = tmp_path / "library"
    citewell("add", str(SAMPLES / "PMC13017818.md"), library=library)
    (before,) = json.loads(citewell("papers", "--json", library=library).out)
    assert before["body_missing"] is True

    monkeypatch.setattr(Known, "title", property(lambda _: before["title"]))
    with services(FakeServices([seed])) as (_, addresses, network):
        configure(monkeypatch, addresses)
        result = citewell("fetch", "--missing", library=library, network=network)
        assert result.out.splitlines()[0] == "1 paper fetched (tomesphere 1), 0 not fetched"
        assert result.code == 0
        again = citewell("fetch", "--missing", library=library, network=network)
        assert again.code == 0
    (after,) = json.loads(citewell("papers", "--json", library=library).out)
    assert (after["paper_id"], after["body_missing"], after["added"]) == (
        "PMC13017818",
        False,
        before["added"],
    )
    assert [Path(path).parent.name for path in after["paths"]] == ["fetched", "samples"]


def test_nothing_is_fetched_unless_asked_and_nothing_at_all_offline(
    citewell: Citewell, monkeypatch: Set, tmp_path: Path
) -> None:
    library = tmp_path / "library"
    with services(FakeServices(fifty())) as (server, addresses, network):
        configure(monkeypatch, addresses)
        citewell("add", str(SAMPLES), library=library, network=network)
        for words in (["sync"], ["ask", "what is VEGF?"], ["papers"], ["status"], ["doctor"], ["retry"]):
            citewell(*words, library=library, network=network)
        for words in (["add", "PMC9000001", "--offline"], ["--offline", "add", "PMC9000001"]):
            result = citewell(*words, library=library, network=network)
            assert (result.code, result.err.splitlines()[0]) == (
                1,
                "citewell: citewell is offline (--offline)",
            )
        configure(monkeypatch, addresses, offline="true")
        assert citewell("add", "PMC9000001", library=library, network=network).code == 1
        assert server.asked == []


@pytest.mark.parametrize("offline", [True, False])
def test_offline_no_model_is_fetched_either(monkeypatch: Set, tmp_path: Path, offline: bool) -> None:
    import sentence_transformers

    asked: list[object] = []

    def refuse(name: str, **options: object) -> None:
        asked.append((name, options["local_files_only"]))
        raise OSError("not here")

    monkeypatch.setattr(sentence_transformers, "SentenceTransformer", refuse)
    monkeypatch.setattr("index.embed_torch._unreachable", lambda _name: "")
    settings = load_settings(library=tmp_path / "library", model="someone/model", offline=offline)
    with Parts(settings) as parts, pytest.raises(ModelError):
        parts.embedder.load()
    here, anywhere = ("someone/model", True), ("someone/model", False)
    assert asked == ([here] if offline else [here, anywhere])


def test_what_exists_as_a_file_is_a_file_and_what_is_nothing_is_said_to_be_nothing(
    citewell: Citewell, monkeypatch: Set, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("PMC9000001").write_bytes((SAMPLES / "PMC5850145.md").read_bytes())
    library = tmp_path / "library"
    with services(FakeServices(fifty())) as (server, addresses, network):
        configure(monkeypatch, addresses)
        assert citewell("add", "PMC9000001", library=library, network=network).code == 0
        assert server.asked == []
        wrong = citewell("add", "PMC-9000001", library=library, network=network)
        assert (wrong.code, wrong.err) == (
            1,
            "citewell: there is no file or folder PMC-9000001\n"
            "  Check the path, or name a paper by its DOI, PMCID, PMID, arXiv id or link.\n",
        )


def parse_page(data: bytes, name: str) -> Paper:
    """The real parsers; there is no PDF among these."""
    return parse(data, name, PdfParser())


# --- the run itself ------------------------------------------------------------------------------------


@contextmanager
def running(fake: FakeServices, library: Library) -> Iterator[tuple[LocalServer, FetchRun]]:
    with services(fake) as (server, addresses, network):
        options = Options(addresses=addresses)
        policy = NetworkPolicy(also=network.also)
        with HttpClient(policy, network.limits, manners=options.manners(), resolve=resolve) as client:
            yield server, FetchRun(library, client, Services(client, options))


def wanted_of(papers: list[Known]) -> list[Wanted]:
    return [found for found in map(recognise, typed(papers)) if found]


def test_a_run_tells_what_it_does(tmp_path: Path) -> None:
    library = make_library(tmp_path / "library")
    paper = Known(1, "PMC9000001", "10.5555/growth.1", "38000001")
    with running(FakeServices([paper]), library) as (_, run):
        events = list(run.run([Wanted(paper_ids("PMC9000001")), Wanted(title="Of mice")]))
    path = str(library.fetched.resolve() / "PMC9000001.md")
    served = PaperFetched("PMC9000001", "tomesphere", path)
    failed = RequestFailed(
        "Of mice", "Of mice", "it names no DOI, PMCID, PMID, arXiv id or link", "Complete the list's entry."
    )
    assert events[0] == StageStarted("fetching papers", 2)
    assert {type(e) for e in events[1:-1]} == {Advanced, PaperFetched, RequestFailed}
    assert [e.done for e in events if isinstance(e, Advanced)] == [1, 2]
    assert events[-1] == RunFetched(FetchReport((served,), (failed,), 0))


def paper_ids(pmcid: str) -> PaperIds:
    return PaperIds(pmcid=pmcid)


def test_a_run_that_is_stopped_goes_on_from_there(tmp_path: Path) -> None:
    library = make_library(tmp_path / "library")
    papers = [paper for paper in fifty() if paper.pmcid]
    wanted = wanted_of(papers)
    with running(FakeServices(papers), library) as (server, run):
        stream = run.run(wanted)
        seen = 0
        for event in stream:
            seen += isinstance(event, PaperFetched)
            if seen == 10:
                break
        stream.close()
        first = {asked.target for asked in server.asked if asked.host == "tomesphere.test"}
        with library.read() as reader:
            statuses = [request.status for request in reader.requests()]
        assert (statuses.count("served"), len(statuses)) == (10, len(wanted))
        assert statuses.count("waiting") == len(wanted) - 10
        found = report_of(Syncer(library, FakeEmbedder(), parse_page, SUFFIXES).sync())
        assert len(found.added) == 10  # sync alone finds what came
    with running(FakeServices(papers), library) as (server, run):
        *_, last = run.run(wanted)
        assert isinstance(last, RunFetched)
        assert (len(last.report.served), last.report.held) == (len(wanted) - 10, 10)
    assert len(first) < len(wanted)


def test_stopping_does_not_wait_for_a_server_that_stalls(tmp_path: Path) -> None:
    library = make_library(tmp_path / "library")

    def stall(asked: Asked) -> Fault | None:
        return (lambda *_: time.sleep(20)) if "PMC9000002" in asked.path else None

    papers = [Known(1, "PMC9000001", "10.5555/growth.1"), Known(2, "PMC9000002", "10.5555/growth.2")]
    patient = replace(LIMITS, read=15.0, deadline=15.0)
    with services(FakeServices(papers, fault=stall)) as (_, addresses, network):
        options = Options(addresses=addresses)
        policy = NetworkPolicy(also=network.also)
        with HttpClient(policy, patient, manners=options.manners(), resolve=resolve) as client:
            stream = FetchRun(library, client, Services(client, options)).run(
                [Wanted(paper.ids) for paper in papers]
            )
            assert any(isinstance(event, PaperFetched) for event in stream)
            begun = time.monotonic()
            stream.close()
            assert time.monotonic() - begun < 3.0
    with library.read() as reader:
        assert [request.status for request in reader.requests()] == ["served", "waiting"]


@pytest.mark.slow
def test_a_thousand_ids_with_failures_of_every_kind_end_with_the_rest_added(tmp_path: Path) -> None:
    root = Path(memory_folder() or tmp_path) / tmp_path.name
    library = make_library(root / "library")
    papers = [
        Known(n, f"PMC8{n:06}", f"10.5555/growth.{n}", f"37{n:06}", at=frozenset({"tomesphere", "europepmc"}))
        for n in range(1, 1001)
    ]
    trouble = Trouble()
    pdf = PdfParser()
    syncer = Syncer(library, FakeEmbedder(), lambda data, name: parse(data, name, pdf), SUFFIXES)
    try:
        with running(FakeServices(papers, fault=trouble), library) as (_, run):
            *_, last = run.run(wanted_of(papers))
            assert isinstance(last, RunFetched)
            failed = {failure.name for failure in last.report.failed}
            assert len(last.report.served) + len(failed) == 1000
            assert 100 < len(failed) < 400
            synced = report_of(syncer.add([], folder=library.fetched))
            assert (len(synced.added), len(synced.failed)) == (1000 - len(failed), 0)
            trouble.over = True
            with library.read() as reader:
                again = [request.wanted for request in reader.requests(status="failed")]
            assert {one.name for one in again} == failed
            *_, last = run.run(again, fresh=True)
            assert isinstance(last, RunFetched)
            assert (len(last.report.served), last.report.failed) == (len(failed), ())
        report_of(syncer.sync())
        with library.read() as reader:
            assert reader.counts()["papers"] == 1000
            assert {paper.record.ids.pmcid for paper in reader.papers()} == {p.pmcid for p in papers}
    finally:
        import shutil

        shutil.rmtree(root, ignore_errors=True)


def test_what_a_paper_cites_and_the_library_lacks_can_be_added(
    citewell: Citewell, monkeypatch: Set, tmp_path: Path
) -> None:
    one, two, three = (Known(n, f"PMC900000{n}", f"10.5555/growth.{n}", f"3800000{n}") for n in (1, 2, 3))
    references = (
        f'<ref id="r1"><label>1</label><mixed-citation><article-title>{two.title}</article-title>'
        f'<pub-id pub-id-type="doi">{two.doi}</pub-id></mixed-citation></ref>'
        f'<ref id="r2"><label>2</label><mixed-citation><article-title>{three.title}</article-title>'
        f'<pub-id pub-id-type="pmid">{three.pmid}</pub-id></mixed-citation></ref>'
        '<ref id="r3"><label>3</label><mixed-citation>A book of 1901, by hand.</mixed-citation></ref>'
    )
    citing = tmp_path / "citing.xml"
    back = f"<back><ref-list>{references}</ref-list></back></article>"
    citing.write_bytes(jats(one).replace(b"</article>", back.encode()))
    library = tmp_path / "library"
    with services(FakeServices([one, two, three])) as (_, addresses, network):
        configure(monkeypatch, addresses)
        citewell("add", str(citing), "PMC9000002", library=library, network=network)
        listed = citewell("papers", "--cited-by", "PMC9000001", "--missing", library=library)
        assert [line.split("\t")[0] for line in listed.out.splitlines()] == [
            "PMID:38000003", "# no id: A book of 1901, by hand.",
        ]  # fmt: skip
        assert listed.err == "2 references that the library lacks, 1 without an id\n"
        monkeypatch.setattr("sys.stdin", io.StringIO(listed.out))
        added = citewell("add", "-", library=library, network=network)
        assert (added.code, added.out.splitlines()[0]) == (0, "1 paper fetched (tomesphere 1), 0 not fetched")
        rows = json.loads(citewell("papers", "--cited-by", "PMC9000001", "--json", library=library).out)
        assert [row["paper_id"] for row in rows] == ["PMC9000002", "PMC9000003", None]
    usage = citewell("papers", "--missing", library=library)
    assert (usage.code, "--missing goes with --cited-by" in usage.err) == (2, True)


def test_a_library_of_the_first_version_goes_on_with_all_it_has(
    citewell: Citewell, monkeypatch: Set, tmp_path: Path
) -> None:
    library = tmp_path / "library"
    citewell("add", str(SAMPLES / "PMC5850145.md"), library=library)
    before = citewell("show", "PMC5850145", "--json", library=library).out
    with closing(sqlite3.connect(library / "library.db", isolation_level=None)) as db:
        db.execute("DROP TABLE requests")  # all that the second version added
        db.execute("DROP TABLE tags")  # and the third
        db.execute("PRAGMA user_version = 1")
    old = citewell("papers", library=library)
    assert (old.code, "Run: citewell sync" in old.err) == (1, True)
    assert citewell("sync", library=library).code == 0
    assert citewell("show", "PMC5850145", "--json", library=library).out == before
    with services(FakeServices(fifty())) as (_, addresses, network):
        configure(monkeypatch, addresses)
        assert citewell("add", "PMC9000001", library=library, network=network).code == 0
    assert citewell("doctor", library=library).code == 0
