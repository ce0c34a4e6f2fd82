"""citewell with a language model, as a user meets it on the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.backend
import keyring.errors
import pytest

from qa.settings import load_settings
from tests.chat_server import Act, as_json, chat_server, passages_in, pieces, refuses, says
from tests.conftest import ROOT, Citewell
from tests.local_server import Asked, Wire

QUESTION = "do pericytes increase capillary density?"
WORDS = "increased capillary density by 51% in the inferior part"
CLAIM = "Swine pericytes raised capillary density by 51% around the infarct."
KEY = "sk-very-secret-0123456789"


class MemoryKeyring(keyring.backend.KeyringBackend):
    """A keyring for one test."""

    priority = 1.0

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.held.pop((service, username), None) is None:
            raise keyring.errors.PasswordDeleteError


@pytest.fixture(autouse=True)
def ring() -> Iterator[MemoryKeyring]:
    """No test sees the keyring of whoever runs it."""
    before, made = keyring.get_keyring(), MemoryKeyring()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


def answers(text: str = CLAIM) -> Act:
    """Quotes the passage that holds the words, and says the claim."""

    def act(asked: Asked, wire: Wire) -> None:
        found = [(key, held) for key, held in passages_in(asked).items() if WORDS in held]
        quote = f"Swine pericytes {WORDS}"
        says(*pieces(as_json([(found[0][0], quote)], [(text, [found[0][0]])])))(asked, wire)

    return act


def test_ask_prints_sentences_with_marks_and_the_quotes_below(
    citewell: Citewell, sample_library: Path
) -> None:
    with chat_server(answers()) as server:
        result = citewell("ask", QUESTION, "--llm", server.url, "--judge", "none", library=sample_library)
    assert result.code == 0
    lines = result.out.splitlines()
    assert lines[0] == f"{CLAIM}\u00a0[1]?"
    assert lines[2] == "[1] Alvino et al. 2018 · Results"
    assert lines[3].startswith("    “Swine pericytes increased capillary density by 51% in the inferior part")
    assert lines[3].endswith("arteriole density did not change.”")
    assert lines[5] == "References"
    assert "written by small" in lines[-1]


def test_what_does_not_hold_is_said_in_words(citewell: Citewell, sample_library: Path) -> None:
    invented = as_json([("zz99", "Nobody wrote this.")], [("Pericytes cure scurvy.", ["zz99"])])
    with chat_server(says(invented)) as server:
        result = citewell("ask", QUESTION, "--llm", server.url, library=sample_library)
    lines = result.out.splitlines()
    assert lines[:5] == [
        "Pericytes cure scurvy.\u00a0✗",
        "  ✗ not supported: it cites a passage that does not exist",
        "",
        "The papers' own sentences",
        lines[4],
    ]
    assert "! Nothing of this could be tied to the papers; their own sentences follow." in lines
    assert "zz99" not in result.out


def test_a_model_that_finds_nothing_is_not_taken_for_the_papers(
    citewell: Citewell, sample_library: Path
) -> None:
    with chat_server(says('{"quotes": [], "sentences": []}')) as server:
        result = citewell("ask", QUESTION, "--llm", server.url, library=sample_library)
    lines = result.out.splitlines()
    assert lines[:3] == ["small finds no answer in your papers.", "", "The papers' own sentences"]
    assert "Your papers do not answer this." not in result.out
    assert "  [1] ✓ Alvino et al. 2018" in result.out


def test_json_tells_verdicts_writer_and_what_is_missing(citewell: Citewell, sample_library: Path) -> None:
    with chat_server(answers(CLAIM), models=["tiny\x1b[31m"]) as server:
        result = citewell(
            "ask", QUESTION, "--llm", server.url, "--judge", "none", "--json", library=sample_library
        )
    shown = json.loads(result.out)
    assert (shown["incomplete"], shown["declined"], shown["extracted"]) == (False, False, [])
    (sentence,) = shown["answer"]
    assert (sentence["text"], sentence["verdict"], sentence["reasons"]) == (CLAIM, "unchecked", [])
    (citation,) = sentence["citations"]
    text = citewell("show", citation["paper_id"], "--text", library=sample_library).out
    assert text[citation["start"] : citation["end"]] == citation["quote"]
    assert "write" in shown["timings_ms"]
    assert "\x1b" not in result.out


def test_a_server_that_is_not_there_leaves_the_answer_without_it(
    citewell: Citewell, sample_library: Path
) -> None:
    result = citewell("ask", QUESTION, "--llm", "http://127.0.0.1:9", library=sample_library)
    plain = citewell("ask", QUESTION, library=sample_library)
    assert result.code == plain.code == 0
    assert result.out.splitlines()[:6] == plain.out.splitlines()[:6]
    assert "! No answer of a language model: no language model answers at 127.0.0.1:9." in result.out


def test_settings_name_a_model_and_no_llm_wins(
    citewell: Citewell, sample_library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with chat_server(answers(), models=["one", "two"]) as server:
        monkeypatch.setenv("CITEWELL_LLM_URL", server.url)
        monkeypatch.setenv("CITEWELL_LLM_MODEL", "two")
        monkeypatch.setenv("CITEWELL_LLM_KEY", KEY)
        assert "written by two" in citewell("ask", QUESTION, library=sample_library).out
        (asked,) = server.asked
        assert json.loads(asked.body)["model"] == "two"
        assert asked.headers["authorization"] == f"Bearer {KEY}"
        before = len(server.server.asked)
        for words in (["ask", QUESTION, "--no-llm"], ["search", QUESTION], ["papers"], ["status"]):
            assert citewell(*words, library=sample_library).code == 0
        assert len(server.server.asked) == before, "nobody else asks the model"


def test_offline_allows_a_model_on_this_machine_only(citewell: Citewell, sample_library: Path) -> None:
    with chat_server(answers()) as server:
        here = citewell("--offline", "ask", QUESTION, "--llm", server.url, library=sample_library)
    assert "written by small" in here.out
    away = citewell("--offline", "ask", QUESTION, "--llm", "https://llm.test", library=sample_library)
    assert away.code == 1
    assert away.err.splitlines() == [
        "citewell: citewell is offline, and the language model at llm.test is not on this machine",
        "  Use a server on this machine, leave --offline out, or answer without: --no-llm",
    ]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["ask", "why?", "--llm", "localhost"], 1, "has to begin with http:// or https://"),
        (["ask", "why?", "--llm", "http://a:b@c"], 1, "holds a password"),
        (["ask", "why?", "--llm", "http://x", "--no-llm"], 2, "--no-llm goes with no other option"),
        (["ask", "why?", "--judge", "nobody"], 2, "'nobody' is not one of"),
        (["llm", "--llm", "http://127.0.0.1:9"], 1, "no language model answers at 127.0.0.1:9"),
    ],
)
def test_what_a_user_gets_wrong_gets_one_clear_answer(
    citewell: Citewell, sample_library: Path, words: list[str], code: int, said: str
) -> None:
    result = citewell(*words, library=sample_library)
    assert result.code == code
    assert said in result.err
    assert "Traceback" not in result.err


# --- keys -----------------------------------------------------------------------------------------------


def test_a_key_lives_in_the_keyring_and_is_never_shown(
    citewell: Citewell, sample_library: Path, ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("click.termui.hidden_prompt_func", lambda _: KEY)
    with chat_server(answers()) as server:
        place = server.url.split("/")[2]
        stored = citewell("llm", "--llm", server.url, "--set-key")
        assert stored.out == f"The key for {place} is stored in the keyring.\n"
        assert ring.held == {("citewell", place): KEY}
        shown = citewell("llm", "--llm", server.url)
        assert "key      from the keyring" in shown.out
        citewell("ask", QUESTION, "--llm", server.url, library=sample_library)
        assert [one.headers["authorization"] for one in server.server.asked] == [f"Bearer {KEY}"] * 4
        server.script = [refuses(401, f"bad key {KEY}")]
        refused = citewell("ask", QUESTION, "--llm", server.url, library=sample_library)
        assert "refuses the key (status 401)" in refused.out
        gone = citewell("llm", "--llm", server.url, "--forget-key")
        assert (gone.out, ring.held) == (f"The key for {place} is forgotten.\n", {})
        again = citewell("llm", "--llm", server.url, "--forget-key")
        assert again.out == f"The key for {place} was not stored.\n"
    everything = (stored, shown, refused, gone, again)
    assert not any(KEY in result.out + result.err for result in everything)


def test_without_a_keyring_everything_but_storing_works(citewell: Citewell) -> None:
    from keyring.backends.fail import Keyring

    keyring.set_keyring(Keyring())
    with chat_server(says("ready")) as server:
        assert citewell("llm", "--llm", server.url).code == 0
        result = citewell("llm", "--llm", server.url, "--forget-key")
    assert result.code == 1
    assert result.err.splitlines() == [
        "citewell: this machine has no keyring that could be used",
        "  Put the key into the environment instead: CITEWELL_LLM_KEY",
    ]


@pytest.mark.parametrize("key", ["two words", "line\nbreak: x", "ünicode", "\x1b[31m"])
def test_a_key_that_could_not_be_sent_is_refused_without_repeating_it(
    citewell: Citewell, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("CITEWELL_LLM_KEY", f"sesame{key}")
    result = citewell("llm")
    assert result.code == 1
    assert "the setting llm_key cannot be used" in result.err
    assert "it holds characters that no key has" in result.err
    assert "sesame" not in result.err


def test_the_key_is_in_no_text_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITEWELL_LLM_KEY", KEY)
    settings = load_settings()
    assert KEY not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"


# --- citewell llm ---------------------------------------------------------------------------------------


def test_citewell_llm_asks_nobody_where_nothing_is_configured(citewell: Citewell) -> None:
    result = citewell("llm")
    assert result.code == 0
    assert result.out.startswith("No language model is configured")
    assert json.loads(citewell("llm", "--json").out) == {"url": None}


def test_citewell_llm_sends_nothing_of_the_papers(citewell: Citewell) -> None:
    with chat_server(says("re", "ady"), models=["one"], context=8192) as server:
        shown = json.loads(citewell("llm", "--llm", server.url, "--json").out)
        (asked,) = server.asked
    assert json.loads(asked.body)["messages"] == [{"role": "user", "content": "Reply with the word: ready"}]
    assert (shown["url"], shown["key"], shown["model"], shown["models"]) == (server.url, None, "one", ["one"])
    assert (shown["context"], shown["context_from"], shown["tokens"]) == (8192, "server", 2)


# --- what leaves the machine ----------------------------------------------------------------------------

_REFUSE_ALL_BUT_LOOPBACK = """
import ipaddress, socket, sys
real = {name: getattr(socket.socket, name) for name in ("connect", "connect_ex", "sendto")}
tried = []
def guard(name):
    def checked(self, *arguments):
        address = next((a for a in arguments if isinstance(a, tuple)), None)
        if self.family in (socket.AF_INET, socket.AF_INET6) and address is not None:
            tried.append(address)
            if not ipaddress.ip_address(address[0]).is_loopback:
                raise SystemExit(f"a socket was opened to {address}")
        return real[name](self, *arguments)
    return checked
for name in real: setattr(socket.socket, name, guard(name))
look = socket.getaddrinfo
def getaddrinfo(host, *rest, **more):
    if host not in ("127.0.0.1", "localhost"): raise SystemExit(f"the name {host} was looked up")
    return look(host, *rest, **more)
socket.getaddrinfo = getaddrinfo
from tui.cli import cli
from tui.diagnostics import guarded
guarded(lambda: cli.main(sys.argv[1:], prog_name="citewell", standalone_mode=False))
print("connections:", sorted({a[1] for a in tried}), file=sys.stderr)
"""


def run_guarded(*words: str) -> subprocess.CompletedProcess[str]:
    """The command in a process in which every socket but those of this machine is refused."""
    allowed = {k: v for k, v in os.environ.items() if k not in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")}
    return subprocess.run(
        [sys.executable, "-c", _REFUSE_ALL_BUT_LOOPBACK, *words],
        capture_output=True, text=True, timeout=120, cwd=ROOT, env=allowed,
    )  # fmt: skip


def test_nothing_leaves_the_machine(sample_library: Path) -> None:
    """With a model on this machine no connection but to that; a default run without one is in test_cli."""
    with chat_server(answers()) as server:
        done = run_guarded("--library", str(sample_library), "ask", QUESTION, "--llm", server.url)
        assert done.returncode == 0, done.stderr
        assert f"connections: [{server.server.port}]" in done.stderr
    assert "written by small" in done.stdout
