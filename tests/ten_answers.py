"""Ten questions to the sample papers, each answered by a real local model and by the papers' own sentences.

Not a test: prints a Markdown page with the verdicts of both. `python -m tests.ten_answers > FILE`. The
model of the tests is used, or the one of a server that is named: `python -m tests.ten_answers URL [MODEL]`.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from contextlib import nullcontext
from pathlib import Path

from qa.model import Answer, AnswerSentence, Finished
from qa.settings import load_settings
from tests.llama_server import llama_server
from tui.parts import Parts
from tui.print_answer import MARKS, objection, quiet_line

SAMPLES = Path(__file__).resolve().parents[1] / "samples"
QUESTIONS = (
    "how do MSCs promote angiogenesis?",
    "do pericytes increase capillary density?",
    "do pericytes reduce fibrosis after infarction?",
    "does recombinant FSH give more oocytes than urinary FSH?",
    "does laser-assisted injection damage fewer oocytes?",
    "does adding LH raise the number of oocytes in poor responders?",
    "which receptors does MKP101 inhibit?",
    "does Notch signaling keep Müller glia quiescent?",
    "do bone marrow cells improve ejection fraction after infarction?",
    "what is the capital of France?",
)


_INTRODUCTION = """# Ten answers with a language model, and without

Made by `CITEWELL_LLM_PASSAGES=3 python -m tests.ten_answers` on the sample pages. The model is
SmolLM2-135M-Instruct (94 MB, the smallest that is of use for tests): it makes up quotes, repeats itself and
does not answer. That is what this page shows: nothing that it made up carries a mark of support, no made-up
quote is shown, and the papers' own sentences are there each time. "The papers' own" means that nothing of
the model's was whole enough to show.
"""


def answer_of(parts: Parts, question: str) -> Answer:
    """The whole answer."""
    *_, last = parts.answerer.answer(question)
    assert isinstance(last, Finished)
    return last.answer


def shown(sentences: tuple[AnswerSentence, ...]) -> list[str]:
    """Each sentence with its marks and what speaks against it, as items of a list."""
    lines = []
    for sentence in sentences:
        marks = " ".join(f"[{c.number}]{MARKS[c.verdict]}" for c in sentence.citations)
        said = objection(sentence)
        text = sentence.text if len(sentence.text) < 400 else sentence.text[:400] + " …"
        lines.append(f"- {text} {marks or MARKS[sentence.verdict]}" + (f" — *{said}*" if said else ""))
    return lines


def verdicts(answer: Answer) -> str:
    """How often each verdict was given."""
    counted = Counter(sentence.verdict.value for sentence in answer.sentences)
    return ", ".join(f"{n} {verdict}" for verdict, n in counted.items()) or "declined"


def page(library: Path, url: str, model: str | None) -> list[str]:
    """The questions with both answers, and a table of their verdicts."""
    rows = ["| question | with the model | without |", "|---|---|---|"]
    parts: list[str] = []
    with (
        Parts(load_settings(library=library, rerank_ms=60_000)) as plain,
        Parts(load_settings(library=library, rerank_ms=60_000, llm_url=url, llm_model=model)) as written,
    ):
        plain.library.create()
        for _ in plain.syncer.add([SAMPLES]):
            pass
        for question in QUESTIONS:
            own, by_model = answer_of(plain, question), answer_of(written, question)
            state = "; incomplete" if by_model.incomplete else "" if by_model.writer else "; the papers' own"
            state = "; the model was not asked" if own.declined else state
            rows.append(f"| {question} | {verdicts(by_model)}{state} | {verdicts(own)} |")
            parts += [f"\n## {question}\n", f"With {by_model.writer or 'no usable text of the model'}:\n"]
            parts += shown(by_model.sentences) or ["- (declined)"]
            parts += [f"- *{notice}*" for notice in by_model.notices]
            parts += [
                "",
                f"({quiet_line(by_model)})",
                "\nWithout:\n",
                *(shown(own.sentences) or ["- (declined)"]),
            ]
            sys.stderr.write(f"{question}\n")
    return [*rows, *parts]


def main() -> None:
    """Prints the page."""
    named = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder, nullcontext() if named else llama_server() as llama:
        url = named[0] if named else llama.url  # type: ignore[union-attr]
        lines = page(Path(folder) / "library", url, named[1] if len(named) > 1 else None)
    sys.stdout.write("\n".join([_INTRODUCTION, *lines]) + "\n")


if __name__ == "__main__":
    main()
