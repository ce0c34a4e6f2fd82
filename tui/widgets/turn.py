"""One question and its answer, as they stand in the conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.style import Style
from textual.widgets import Static

from qa.model import EVERYTHING
from tui.clean import line
from tui.widgets.answer_view import link, written
from tui.widgets.ink import MUTED
from tui.widgets.place import Place, counted, nearest_place, places_of, shortened

if TYPE_CHECKING:
    from textual.timer import Timer

    from qa.model import Answer, AnswerEvent, AnswerSentence, Query

_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_SPINNER_SECONDS = 0.1
_LONGEST_EXCERPT = 240
_WAITING = "waiting"  # for the model, or for a stopped question to let go of it


class Turn(Vertical):
    """A question, the sentences of its answer as they come, and one quiet line below them."""

    def __init__(self, number: int, question: str) -> None:
        super().__init__(classes="turn")
        self.number = number
        self.question = question
        self.places: list[Place] = []
        self.running = True
        self.answer: Answer | None = None  # once it is whole
        self.scope = ""  # what it was limited to, in words
        self.filters = EVERYTHING  # the same
        self._when = ""  # a kept answer was given then
        self._sentences: list[AnswerSentence] = []
        self._drafted = ""  # what a language model has written so far, shown until it is verified
        self._stage = _WAITING
        self._frame = 0
        self._said = ""  # the quiet line: it may be said before the turn is mounted
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """Question, answer, quiet line."""
        yield Static(Content(f"❯ {line(self.question)}"), classes="question")
        answer = Static(classes="answer")
        answer.display = False
        yield answer
        yield Static(classes="quiet")

    def on_mount(self) -> None:
        """Shows that work goes on."""
        self._say(self._said)
        if self.running:
            self._timer = self.set_interval(_SPINNER_SECONDS, self._tick)
            self._tick()

    def _tick(self) -> None:
        if not self.running:
            return
        self._frame = (self._frame + 1) % len(_SPINNER)
        sign = "" if self.app.animation_level == "none" else f"{_SPINNER[self._frame]} "
        self._say(f"{sign}{self._stage}…")

    def take(self, event: AnswerEvent) -> None:
        """Shows an event of this question's answer; one that comes after the end changes nothing."""
        from qa.model import Drafted, Finished, SentenceReady, StageBegun, Understood

        if not self.running:
            return
        match event:
            case StageBegun(stage):
                self._stage = line(stage)
            case Drafted(text):
                self._draft(text)
            case Understood(query, _, scope):
                self._understood(query, scope)
            case SentenceReady(sentence):
                self._add(sentence)
            case Finished(answer):
                self._finish(answer)
            case _:  # the evidence; what of it is cited comes with the sentences
                pass

    def _draft(self, text: str) -> None:
        if text:
            self._drafted += text
            self._answer(Content.styled(line(self._drafted), f"{MUTED} italic"))

    def _understood(self, query: Query, scope: str) -> None:
        """Beneath a follow-up, what is searched for in its place, and what it is limited to."""
        self.scope, self.filters = scope, query.filters
        searched = f"searched for: {query.text}" if query.text != query.question else ""
        limited = f"scope: {scope}" if scope else ""
        said = [(f"\n  {line(part)}", MUTED) for part in (searched, limited) if part]
        if said:
            self._show("question", Content.assemble(f"❯ {line(self.question)}", *said))

    def _add(self, sentence: AnswerSentence) -> None:
        self._sentences.append(sentence)
        known = {place.number for place in self.places}
        self.places.extend(place for place in places_of(sentence) if place.number not in known)
        self._answer(written(self.number, self._sentences))

    def _finish(self, answer: Answer) -> None:
        self.answer = answer
        if answer.declined and not answer.extracted and not answer.writer:
            self._decline(answer)
            return
        self._answer(written(self.number, self._sentences, answer))
        papers = len({place.paper.id for place in self.places})
        seconds = sum(ms for stage, ms in answer.timings_ms.items() if stage != "load") / 1000
        facts = [
            counted(len(self.places), "source"),
            counted(papers, "paper"),
            f"from {counted(len(answer.evidence), 'passage')}" if answer.evidence else "",
            line(answer.writer),
            f"{seconds:.1f} s" if answer.timings_ms else "",
            self._when,
        ]
        self._end(" · ".join(fact for fact in facts if fact), answer.notices)

    def replay(self, answer: Answer, query: Query, scope: str, when: str) -> None:
        """Shows an answer that was kept, as it was given then."""
        self._when = line(when)
        self._understood(query, scope)
        for sentence in (*answer.sentences, *answer.extracted):
            self._add(sentence)
        self._finish(answer)

    def _decline(self, answer: Answer) -> None:
        from qa.answer import nearest

        passage = nearest(answer.evidence)
        if passage is None:
            self._answer(Content("Your papers do not answer this."))
            self._end("nothing near it was found", answer.notices)
            return
        place = nearest_place(passage)
        self.places = [place]
        said = " · ".join(part for part in (place.name, place.where) if part)
        excerpt = shortened(line(place.quote), _LONGEST_EXCERPT)
        self._answer(
            Content.assemble(
                "Your papers do not answer this. The nearest is: ",
                link(self.number, place.number),
                f" {said}\n",
                (f"“{excerpt}”", MUTED),
            )
        )
        facts = ("no answer", "press 1 to read the nearest passage", self._when)
        self._end(" · ".join(fact for fact in facts if fact), answer.notices)

    def stop(self) -> None:
        """Ends the answer where it is; what is there stays."""
        if self.running:
            self._end("stopped")

    def fail(self, message: str, hint: str) -> None:
        """Ends the answer with what went wrong and what to do about it."""
        if self.running:
            self._end("")
            self.query(".quiet").add_class("trouble")
            self._show("quiet", trouble(message, hint))

    def _end(self, said: str, notices: tuple[str, ...] = ()) -> None:
        self.running = False
        if self._timer is not None:
            self._timer.stop()
        self._say("\n".join(part for part in (said, *map(line, notices)) if part))

    def _answer(self, content: Content) -> None:
        self._show("answer", content)

    def _say(self, text: str) -> None:
        self._said = text
        self._show("quiet", Content(text))

    def _show(self, name: str, content: Content) -> None:
        """Nowhere, where this is not mounted yet, or removed: a conversation may be left at any time."""
        for part in self.query(f".{name}").results(Static):
            part.update(content)
            part.display = True


def trouble(message: str, hint: str) -> Content:
    """An error in two lines: what, and what now. Both may name files, so both are cleaned."""
    parts: list[str | tuple[str, str | Style]] = [("! ", "bold $text-error"), line(message)]
    if hint:
        parts.append((f"\n  {line(hint)}", MUTED))
    return Content.assemble(*parts)
