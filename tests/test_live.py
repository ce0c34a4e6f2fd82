"""The real services, each asked for one paper. Runs only when asked for: pytest -m live."""

from __future__ import annotations

import pytest

from index.fetch.services import Options, Services
from index.fetch.wanted import recognise
from index.net.addresses import NetworkPolicy
from index.net.client import HttpClient

pytestmark = pytest.mark.live


@pytest.mark.parametrize(
    ("service", "name", "sign"),
    [
        ("tomesphere", "PMC13017818", b"endometrial"),
        ("europepmc", "PMC3257301", b"<article"),
        ("pmc", "PMC3257301", b"<article"),
        ("arxiv", "arXiv:1706.03762", b"%PDF-"),
    ],
)
def test_each_service_still_answers_as_documented(service: str, name: str, sign: bytes) -> None:
    options = Options(order=(service,))
    wanted = recognise(name)
    assert wanted is not None
    with HttpClient(NetworkPolicy(), manners=options.manners()) as client:
        given = Services(client, options).fetch(wanted)
    assert given.service == service
    assert sign in given.body


@pytest.mark.parametrize("order", [("europepmc", "tomesphere"), ("pmc",)], ids=["europepmc", "converter"])
def test_a_doi_leads_to_its_pmcid(order: tuple[str, ...]) -> None:
    options = Options(order=order)
    wanted = recognise("10.1371/journal.pone.0138823")
    assert wanted is not None
    with HttpClient(NetworkPolicy(), manners=options.manners()) as client:
        assert Services(client, options).fetch(wanted).facts.ids.pmcid is not None
