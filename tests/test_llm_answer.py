"""Answers that a language model writes: what of it is shown, what is not, and what remains when it dies."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence

import pytest

from index.library import Library
from qa.cite import INVENTED, NO_CITATION, NO_QUOTE, NOT_FOUND
from qa.model import Answer, Drafted, Finished, Retrieved, SentenceReady, StageBegun, Verdict
from qa.verify import Ground, Judgement
from tests.chat_server import (
    HEAD,
    Act,
    ChatServer,
    as_json,
    chat_server,
    dies_after,
    event,
    key_of,
    passages_in,
    pieces,
    refuses,
    says,
)
from tests.llm_answers import (
    DENSITY,
    DOSE,
    FIBROSIS,
    QUESTION,
    answered,
    assert_quotes_stand,
    events,
    make_answerer,
    papers_library,
    stopped,
)
from tests.local_server import Asked, Wire

CLAIM = "Pericytes raise the density of capillaries by 51%."
Reply = Sequence[tuple[str, str]]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return papers_library(tmp_path_factory.mktemp("papers"), DENSITY, FIBROSIS, DOSE)


class WordsJudge:
    """Supported if the quotes hold all numbers of a claim; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    def judge(self, claim: str, grounds: Sequence[Ground]) -> Judgement:
        quotes = tuple(ground.quote for ground in grounds)
        self.asked.append((claim, quotes))
        assert all(ground.quote in ground.passage and "Pericytes" in ground.header for ground in grounds)
        missing = [
            word
            for word in claim.rstrip(".").split()
            if any(map(str.isdigit, word)) and word not in str(quotes)
        ]
        if missing:
            return Judgement(Verdict.UNSUPPORTED, 0.1, (f"{missing[0]} is not in the quote",))
        return Judgement(Verdict.SUPPORTED, 0.9)


def replies(quotes: Reply, sentences: Sequence[tuple[str, Sequence[str]]], *, lines: bool = False) -> Act:
    """Answers in JSON or in lines; where a key is asked for by words of its passage, that key is put in."""

    def act(asked: Asked, wire: Wire) -> None:
        known = {words: key_of(asked, words) for words in (DENSITY[:20], FIBROSIS[:20], DOSE[:20])}
        named = [(known.get(key[:20], key), quote) for key, quote in quotes]
        told = [(text, [known.get(key[:20], key) for key in keys]) for text, keys in sentences]
        text = as_json(named, told)
        if lines:
            text = "\n".join(f'QUOTE [{key}] "{quote}"' for key, quote in named)
            text += "\n" + "\n".join(t + "".join(f" [{key}]" for key in keys) for t, keys in told)
        says(*pieces(text))(asked, wire)

    return act


def shape(answer: Answer) -> list[tuple[str, str, list[tuple[int, str, str]], tuple[str, ...]]]:
    """What is shown of a model's sentences."""
    return [
        (s.text, s.verdict.value, [(c.number, c.quote, c.verdict.value) for c in s.citations], s.reasons)
        for s in answer.sentences
    ]


# --- what is shown --------------------------------------------------------------------------------------


@pytest.mark.parametrize("lines", [False, True], ids=["json", "lines"])
def test_a_models_sentences_stand_on_the_papers_whole_sentences(library: Library, lines: bool) -> None:
    judge = WordsJudge()
    act = replies(
        [(DENSITY, "swine PERICYTES increased capillary-density by 51 %"), (DOSE, DOSE)],
        [(CLAIM, [DENSITY]), (DOSE, [DOSE]), ("It is 99% in both.", [DENSITY, DOSE])],
        lines=lines,
    )
    with chat_server(act) as server:
        answer = answered(make_answerer(library, server.url, judge))
    assert_quotes_stand(library, answer)
    assert shape(answer) == [
        (CLAIM, "supported", [(1, DENSITY, "supported")], ()),
        (DOSE, "verbatim", [(2, DOSE, "verbatim")], ()),
        ("It is 99% in both.", "unsupported",
         [(1, DENSITY, "unsupported"), (2, DOSE, "unsupported")], ("99% is not in the quote",)),
    ]  # fmt: skip
    assert (answer.writer, answer.incomplete, answer.declined) == ("small", False, False)
    assert answer.extracted == answer.notices == ()
    assert (CLAIM, (DENSITY,)) in judge.asked


def test_without_a_judge_only_what_is_verbatim_has_a_verdict(library: Library) -> None:
    act = replies([(DENSITY, DENSITY)], [(CLAIM, [DENSITY]), (DENSITY.rstrip("."), [DENSITY])])
    with chat_server(act) as server:
        answer = answered(make_answerer(library, server.url))
    assert [s.verdict for s in answer.sentences] == [Verdict.UNCHECKED, Verdict.VERBATIM]


def test_a_piece_of_a_sentence_is_shown_with_the_sentence_that_denies_it(library: Library) -> None:
    piece = "pericytes lower capillary density or mortality"
    with chat_server(replies([(FIBROSIS, piece)], [(f"{piece.capitalize()}.", [FIBROSIS])])) as server:
        answer = answered(make_answerer(library, server.url))
    assert shape(answer) == [(f"{piece.capitalize()}.", "unchecked", [(1, FIBROSIS, "unchecked")], ())]


@pytest.mark.parametrize("lines", [False, True], ids=["json", "lines"])
def test_an_invented_key_is_removed_and_the_sentence_flagged(library: Library, lines: bool) -> None:
    act = replies(
        [(DENSITY, DENSITY), ("zz99", "An invented quote of some length.")],
        [(CLAIM, [DENSITY, "zz99"]), ("It cures scurvy [1].", ["q9q9"])],
        lines=lines,
    )
    with chat_server(act) as server:
        answer = answered(make_answerer(library, server.url, WordsJudge()))
    assert shape(answer) == [
        (CLAIM, "supported", [(1, DENSITY, "supported")], (INVENTED,)),
        ("It cures scurvy.", "unsupported", [], (INVENTED,)),
    ]
    assert "zz99" not in str(answer)
    assert "q9q9" not in str(answer)
    assert answer.notices == ("One quote that the model gave is not in its passage, and is not shown.",)


def test_a_model_that_repeats_the_example_of_the_prompt_cites_nothing(library: Library) -> None:
    def act(asked: Asked, wire: Wire) -> None:
        *_, example, _ = json.loads(asked.body)["messages"]
        assert example["role"] == "assistant"
        says(*pieces(example["content"]))(asked, wire)

    with chat_server(act) as server:
        answer = answered(make_answerer(library, server.url, WordsJudge()))
    text = "Yes: colds lasted 4.5 days with zinc, against 6.1 days with placebo."
    assert shape(answer) == [(text, "unsupported", [], (INVENTED,))]


def test_a_quote_that_is_not_in_its_passage_is_never_shown(library: Library) -> None:
    """Also not if it stands in another paper, or nearly."""
    false = "Swine pericytes decreased capillary density by 51% in the border zone (P=0.003)."
    for quote in (false, DOSE, "51%", "the border"):
        with chat_server(replies([(DENSITY, quote)], [(CLAIM, [DENSITY])])) as server:
            answer = answered(make_answerer(library, server.url))
        assert shape(answer) == [(CLAIM, "unsupported", [], (NOT_FOUND,))]
        assert answer.notices == (
            "One quote that the model gave is not in its passage, and is not shown.",
            "Nothing of this could be tied to the papers; their own sentences follow.",
        )
        assert answer.extracted
        assert_quotes_stand(library, answer)


def test_where_the_quote_is_missing_the_judge_may_find_the_sentence_that_says_it(library: Library) -> None:
    sentences = [(CLAIM, [DENSITY]), ("It rises by 77% in swine.", [DENSITY]), ("No key at all.", [])]
    with chat_server(replies([], sentences)) as server:
        answer = answered(make_answerer(library, server.url, WordsJudge()))
    assert shape(answer) == [
        (CLAIM, "supported", [(1, DENSITY, "supported")], ()),
        ("It rises by 77% in swine.", "unsupported", [], (NO_QUOTE,)),
        ("No key at all.", "unsupported", [], (NO_CITATION,)),
    ]


def test_marks_and_signs_of_the_model_are_not_citewells(library: Library) -> None:
    text = "Density rises [1]✓ ✅, says passage KEY, in (2 of 5) \x1b[31mmice\u202e (p53)."

    def act(asked: Asked, wire: Wire) -> None:
        key = key_of(asked, DENSITY)
        says(as_json([(key, DENSITY)], [(text.replace("KEY", key), [key])]))(asked, wire)

    with chat_server(act) as server:
        (sentence,) = answered(make_answerer(library, server.url)).sentences
    assert sentence.text == "Density rises, says passage, in (2 of 5) [31mmice (p53)."
    assert sentence.reasons == (INVENTED,)


# --- declining ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ['{"quotes": [], "sentences": []}', "NO ANSWER", "No answer.\n"])
def test_a_model_may_find_no_answer(library: Library, said: str) -> None:
    with chat_server(says(*pieces(said))) as server:
        answer = answered(make_answerer(library, server.url))
    assert (answer.declined, answer.sentences, answer.writer) == (True, (), "small")
    assert answer.notices == (
        "small finds no answer in the passages; the papers' own nearest sentences follow.",
    )
    assert answer.extracted
    assert_quotes_stand(library, answer)


def test_what_the_papers_do_not_answer_is_not_sent_to_a_model(library: Library) -> None:
    with chat_server(says("Paris.")) as server:
        answer = answered(make_answerer(library, server.url), "who won the 1934 chess championship?")
        assert answer.declined
        assert server.server.asked == []


# --- what breaks ----------------------------------------------------------------------------------------

LINES = (
    f'QUOTE [KEY] "{DENSITY}"\n{CLAIM} [KEY]\nSwine were treated with pericytes. [KEY]\n'
    "More was not measured in the border zone of these animals. [KEY]\n"
)


def reply_of(asked: Asked, *, lines: bool) -> str:
    key = key_of(asked, DENSITY)
    told = [(line.removesuffix(" [KEY]"), [key]) for line in LINES.splitlines()[1:]]
    return LINES.replace("KEY", key) if lines else as_json([(key, DENSITY)], told)


@pytest.mark.parametrize("lines", [False, True], ids=["json", "lines"])
def test_killed_at_every_token_it_leaves_a_usable_answer(library: Library, lines: bool) -> None:
    """k = 0 … 50 tokens, then the connection is reset."""
    sentences: list[int] = []
    plan = {"k": 0}

    def act(asked: Asked, wire: Wire) -> None:
        text = reply_of(asked, lines=lines)
        dies_after(pieces(text, -(-len(text) // 50))[: plan["k"]])(asked, wire)

    with chat_server(act) as server:
        answerer = make_answerer(library, server.url)
        for plan["k"] in range(51):
            answer = answered(answerer)
            assert_quotes_stand(library, answer)
            assert not answer.declined
            own = answer.extracted or answer.sentences
            assert [s.text for s in own if s.verdict is Verdict.VERBATIM][:1] == [DOSE]
            if answer.sentences == own:  # nothing of the model's was whole
                assert (answer.writer, answer.incomplete) == ("", False)
                place = server.url.split("/")[2]
                said = f"No answer of a language model: the language model at {place} broke off. These"
                assert answer.notices[0].startswith(said)
            else:
                assert (answer.writer, answer.incomplete) == ("small", True)
                assert "is incomplete" in answer.notices[0]
                assert all(s.text.endswith(".") and s.citations for s in answer.sentences)
            sentences.append(len(answer.sentences) if answer.writer else 0)
    assert sentences == sorted(sentences), "with more tokens there is never less"
    assert sentences[0] == 0
    assert sentences[-1] == 3


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (refuses(500), "answered with status 500"),
        (refuses(401), "wants a key (status 401)"),
        (lambda _, wire: wire.reset(), "broke off"),
        (says(), "the model wrote nothing that could be read"),
        (says("{{{{"), "the model's reply could not be read to its end"),
        (says('{"quotes": 7, "sentences": {"text": [null]}}', finish="length"), "it reached the length"),
        (says("la " * 200), "it repeats itself"),
    ],
)
def test_whatever_comes_the_papers_own_sentences_are_there(library: Library, act: Act, said: str) -> None:
    with chat_server(act) as server:
        answer = answered(make_answerer(library, server.url))
    assert said.replace("the model wrote", "small wrote") in answer.notices[0]
    assert answer.notices[0].endswith("These are the papers' own sentences.")
    assert answer.sentences[0].text == DOSE
    assert (answer.writer, answer.incomplete, answer.extracted) == ("", False, ())
    assert_quotes_stand(library, answer)


def test_a_missing_server_costs_a_moment_and_a_line(library: Library) -> None:
    begun = time.monotonic()
    answer = answered(make_answerer(library, "http://127.0.0.1:9/v1"))
    assert time.monotonic() - begun < 3
    assert answer.sentences[0].text == DOSE
    assert answer.notices == (
        "No answer of a language model: no language model answers at 127.0.0.1:9."
        " These are the papers' own sentences.",
        "Start its server. Look at it with: citewell llm",
    )


def test_an_answer_that_reached_its_length_is_marked_incomplete(library: Library) -> None:
    def act(asked: Asked, wire: Wire) -> None:
        says(reply_of(asked, lines=False)[:-60], finish="length")(asked, wire)

    with chat_server(act) as server:
        answer = answered(make_answerer(library, server.url))
    assert answer.incomplete
    assert [s.text for s in answer.sentences] == [CLAIM, "Swine were treated with pericytes."]
    assert answer.extracted[0].citations[0].number == 2
    assert_quotes_stand(library, answer)


# --- what is asked --------------------------------------------------------------------------------------


def test_a_server_without_schemas_gets_plain_lines_and_is_not_asked_for_json_again(library: Library) -> None:
    def act(asked: Asked, wire: Wire) -> None:
        if "response_format" in json.loads(asked.body):
            refuses(400, "unknown field: response_format")(asked, wire)
        else:
            says(reply_of(asked, lines=True))(asked, wire)

    with chat_server(act) as server:
        answerer = make_answerer(library, server.url)
        assert [len(answered(answerer).sentences) for _ in range(2)] == [3, 3]
        asked = [json.loads(one.body) for one in server.asked]
    assert ["response_format" in one for one in asked] == [True, False, False]
    assert "Reply with JSON" in asked[0]["messages"][-1]["content"]
    assert "QUOTE [key]" in asked[1]["messages"][-1]["content"]


def test_a_prompt_that_is_too_long_is_made_shorter(library: Library) -> None:
    def act(asked: Asked, wire: Wire) -> None:
        if len(passages_in(asked)) > 1:
            refuses(400, "This model's maximum context length is 200 tokens")(asked, wire)
        else:
            says("NO ANSWER")(asked, wire)

    with chat_server(act) as server:
        assert answered(make_answerer(library, server.url)).declined
        assert [len(passages_in(one)) for one in server.asked] == [3, 1]


def test_the_prompt_holds_passages_and_question_and_nothing_else_of_the_library(library: Library) -> None:
    with chat_server(says("NO ANSWER")) as server:
        answered(make_answerer(library, server.url, key="sk-secret"))
        (asked,) = server.asked
    assert set(passages_in(asked).values()) == {DENSITY, FIBROSIS, DOSE}
    text = asked.body.decode()
    assert QUESTION in text
    for absent in ("/tmp", "library", "0.txt", "sk-secret"):
        assert absent not in text


# --- how it is told -------------------------------------------------------------------------------------


def test_the_text_is_told_while_it_comes_and_verified_at_the_end(library: Library) -> None:
    def act(asked: Asked, wire: Wire) -> None:
        wire.send(HEAD)
        for part in pieces(reply_of(asked, lines=False), 40):
            wire.send(event(part))
            time.sleep(0.05)
        wire.send(event(finish="stop"))

    with chat_server(act) as server:
        told = events(make_answerer(library, server.url))
    drafted = "".join(e.text for e in told if isinstance(e, Drafted))
    assert drafted.startswith(CLAIM)
    assert "{" not in drafted
    stages = [e.stage for e in told if isinstance(e, StageBegun)]
    assert stages == [
        "loading the model", "searching", "reading", "waiting for the model", "small is writing", "checking"
    ]  # fmt: skip
    kinds = [type(e) for e in told if not isinstance(e, (StageBegun, Drafted))]
    assert kinds == [Retrieved, SentenceReady, SentenceReady, SentenceReady, Finished]


@pytest.mark.parametrize("tokens", [0, 3])
def test_whoever_stops_pulling_ends_the_connection(library: Library, tokens: int) -> None:
    hung_up = threading.Event()

    def act(asked: Asked, wire: Wire) -> None:
        wire.send(HEAD + b"".join(map(event, pieces(reply_of(asked, lines=True))[:tokens])))
        wire.connection.settimeout(5)
        if wire.connection.recv(1) == b"":
            hung_up.set()

    with chat_server(act) as server:
        with stopped(make_answerer(library, server.url)) as running:
            waited = 0
            for one in running:
                waited += isinstance(one, Drafted) and server.asked != []
                if waited > tokens + 2:
                    break
        assert hung_up.wait(1.5)


def test_one_connection_serves_one_answer_and_the_next_question_works(library: Library) -> None:
    def act(asked: Asked, wire: Wire) -> None:
        says(reply_of(asked, lines=True))(asked, wire)

    def serve_three(server: ChatServer) -> list[Answer]:
        answerer = make_answerer(library, server.url)
        return [answered(answerer) for _ in range(3)]

    with chat_server(act) as server:
        first, *others = serve_three(server)
        assert [shape(one) for one in others] == [shape(first)] * 2
