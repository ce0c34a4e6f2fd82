"""Follow-ups become questions that can be searched alone; every other question is left to the letter."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.errors import LlmError
from qa.llm.chat import ChatRequest, Ended, Facts, Message, Token, Waiting
from qa.llm.complete import complete
from qa.mentions import CitedPaper
from qa.model import Filters
from qa.rewrite import Past, rewrite
from qa.rewrite_llm import LlmRewriter

WANG = CitedPaper("PMC1", "Wang et al. 2026", (1, 3), ("Wang", "Liu"), 2026)
LEE = CitedPaper("10.1/lee", "Lee 2021", (2,), ("Lee",), 2021)
LONG = CitedPaper("10.1/long", "Long 2019", (4,), ("Long",), 2019)
MSC = "do MSCs promote angiogenesis in rats?"


def after(*asked: str, papers: tuple[CitedPaper, ...] = (WANG, LEE)) -> list[Past]:
    return [Past(question, question, papers) for question in asked]


# What was asked before, what is asked now, what is searched for.
FOLLOW_UPS = [
    ("safety of dapagliflozin?", "and liraglutide?", "safety of liraglutide?"),
    (
        "what is the effect of metformin on mortality?",
        "what about aspirin?",
        "what is the effect of aspirin on mortality?",
    ),
    (
        "what is the effect of exercise on depression?",
        "and anxiety?",
        "what is the effect of exercise on anxiety?",
    ),
    ("do MSCs promote angiogenesis in rats?", "and in mice?", "do MSCs promote angiogenesis in mice?"),
    ("do MSCs promote angiogenesis in rats?", "in mice?", "do MSCs promote angiogenesis in mice?"),
    ("do MSCs promote angiogenesis in rats?", "what about mice?", "do MSCs promote angiogenesis in mice?"),
    ("do MSCs promote angiogenesis in rats?", "mice?", "do MSCs promote angiogenesis in mice?"),
    (
        "do MSCs promote angiogenesis in rats?",
        "and older adults?",
        "do MSCs promote angiogenesis in older adults?",
    ),
    ("do MSCs promote angiogenesis in rats?", "what about safety?", "safety of MSCs in rats?"),
    ("do MSCs promote angiogenesis in rats?", "how about the dose?", "dose of MSCs in rats?"),
    ("do MSCs promote angiogenesis in rats?", "any side effects?", "side effects of MSCs in rats?"),
    (
        "do MSCs promote angiogenesis in rats?",
        "what are the side effects?",
        "what are the side effects of MSCs in rats?",
    ),
    (
        "do MSCs promote angiogenesis in rats?",
        "are there any adverse events?",
        "are there any adverse events of MSCs in rats?",
    ),
    ("do MSCs promote angiogenesis in rats?", "what was the dose?", "what was the dose of MSCs in rats?"),
    (
        "do MSCs promote angiogenesis in rats?",
        "which dose was used?",
        "which dose was used in studies of MSCs and angiogenesis in rats?",
    ),
    ("do MSCs promote angiogenesis in rats?", "why?", "why do MSCs promote angiogenesis in rats?"),
    ("do MSCs promote angiogenesis in rats?", "how?", "how do MSCs promote angiogenesis in rats?"),
    ("do MSCs promote angiogenesis in rats?", "why not?", "why do MSCs promote angiogenesis in rats?"),
    ("do MSCs promote angiogenesis in rats?", "tell me more", "do MSCs promote angiogenesis in rats?"),
    (
        "do MSCs promote angiogenesis in rats?",
        "does it work in humans?",
        "do MSCs promote angiogenesis in humans?",
    ),
    ("do MSCs promote angiogenesis in rats?", "are they safe?", "are MSCs safe?"),
    (
        "do MSCs promote angiogenesis in rats?",
        "is this true for women?",
        "do MSCs promote angiogenesis in women?",
    ),
    ("do MSCs promote angiogenesis in rats?", "what do they secrete?", "what do MSCs secrete?"),
    (
        "do MSCs promote angiogenesis in rats?",
        "how do they compare with placebo?",
        "how do MSCs compare with placebo?",
    ),
    ("do MSCs promote angiogenesis in rats?", "what is their mechanism?", "what is MSCs’ mechanism?"),
    (
        "do MSCs promote angiogenesis in rats?",
        "compared with placebo?",
        "do MSCs promote angiogenesis in rats compared with placebo?",
    ),
    (
        "do MSCs promote angiogenesis in rats?",
        "versus pericytes?",
        "do MSCs promote angiogenesis in rats versus pericytes?",
    ),
    (
        "does aspirin reduce pain after 4 weeks?",
        "and after 12 weeks?",
        "does aspirin reduce pain after 12 weeks?",
    ),
    (
        "does aspirin reduce pain in children?",
        "what about ibuprofen?",
        "does ibuprofen reduce pain in children?",
    ),
    ("does atorvastatin lower mortality?", "what about simvastatin?", "does simvastatin lower mortality?"),
    (
        "do MSCs promote angiogenesis in rats?",
        "what about osteogenesis?",
        "do MSCs promote osteogenesis in rats?",
    ),
    ("do MSCs promote angiogenesis in rats?", "what about EPCs?", "do EPCs promote angiogenesis in rats?"),
    (
        "what is the effect of metformin on mortality in heart failure?",
        "and in stroke?",
        "what is the effect of metformin on mortality in stroke?",
    ),
    (
        "does metformin reduce mortality in men with hypertension?",
        "and in women with diabetes?",
        "does metformin reduce mortality in women with diabetes?",
    ),
    (
        "what is the effect of metformin on mortality in heart failure?",
        "what about safety?",
        "safety of metformin?",
    ),
    (
        "does metformin reduce mortality in diabetes?",
        "is it safe in pregnancy?",
        "is metformin safe in pregnancy?",
    ),
    ("does metformin reduce mortality in diabetes?", "is it safe?", "is metformin safe?"),
    (
        "do aspirin and ibuprofen reduce pain?",
        "which one is safer?",
        "do aspirin and ibuprofen reduce pain, and which one is safer?",
    ),
    (
        "do MSCs promote angiogenesis in rats?",
        "at what dose?",
        "at what dose do MSCs promote angiogenesis in rats?",
    ),
    (
        "do MSCs promote angiogenesis in rats?",
        "for how long?",
        "for how long do MSCs promote angiogenesis in rats?",
    ),
    (
        "do MSCs promote angiogenesis in rats?",
        "how many patients were included?",
        "how many patients were included in studies of MSCs and angiogenesis in rats?",
    ),
    ("can remdesivir treat COVID-19?", "how effective is it?", "how effective is remdesivir?"),
    (
        "do MSCs promote angiogenesis in rats?",
        "does this also happen in mice?",
        "do MSCs promote angiogenesis in mice?",
    ),
    (
        "does metformin reduce mortality in adults?",
        "what if the patients are diabetic?",
        "does metformin reduce mortality in adults if the patients are diabetic?",
    ),
    ("do MSCs promote angiogenesis in rats?", "ok, and in pigs?", "do MSCs promote angiogenesis in pigs?"),
    (
        "does metformin reduce cancer risk in adults?",
        "thanks, what about mortality?",
        "mortality of metformin in adults?",
    ),
    ("do MSCs promote angiogenesis in rats?", "same for women?", "do MSCs promote angiogenesis in women?"),
    (
        "is aspirin useful for primary prevention in men?",
        "only in women?",
        "is aspirin useful for primary prevention in women?",
    ),
    (
        "do MSCs promote angiogenesis in rats?",
        "do these cells survive?",
        "do MSCs promote angiogenesis in rats, and do these cells survive?",
    ),
    ("are women at higher risk of stroke?", "what about men?", "are men at higher risk of stroke?"),
    ("do statins lower cholesterol?", "should children take them?", "should children take statins?"),
    (
        "do MSCs promote angiogenesis in rats?",
        "does the effect last?",
        "do MSCs promote angiogenesis in rats, and does the effect last?",
    ),
    ("how does apixaban prevent stroke?", "what is its half-life?", "what is apixaban’s half-life?"),
    (
        "do MSCs promote angiogenesis in rats?",
        "Is that safe?",
        "do MSCs promote angiogenesis in rats, and is that safe?",
    ),
    (
        "how do pericytes increase capillary density?",
        "why is that?",
        "why do pericytes increase capillary density?",
    ),
    ("does apixaban prevent stroke?", "what about its cost?", "cost of apixaban?"),
    ("what is the effect of exercise on depression?", "and the duration?", "duration of exercise?"),
    (
        "does rapamycin reduce fibrosis in the kidney?",
        "and in the liver?",
        "does rapamycin reduce fibrosis in the liver?",
    ),
]

SUNITINIB = "what does sunitinib do in lung cancer?"
EXERCISE = "does exercise reduce depression in older adults?"
METFORMIN = "what is the effect of metformin compared with placebo on ovulation in women with PCOS?"
NEEDLES = "is acupuncture effective for low back pain?"
PROBIOTICS = "can probiotics shorten diarrhoea in infants?"
OLANZAPINE = "what are the side effects of olanzapine?"
CAUSES = "what causes preeclampsia?"
LH = "does LH supplementation increase the number of oocytes?"
# As people ask on: another treatment, outcome, comparison or population, a detail of the studies, a reason.
READABLE = [
    (SUNITINIB, "and bevacizumab?", "what does bevacizumab do in lung cancer?"),
    (SUNITINIB, "and in breast cancer?", "what does sunitinib do in breast cancer?"),
    (SUNITINIB, "what about safety?", "safety of sunitinib?"),
    (SUNITINIB, "why?", "what does sunitinib do in lung cancer, and why?"),
    (SUNITINIB, "how many patients?", "how many patients in studies of sunitinib in lung cancer?"),
    (EXERCISE, "and in mice?", "does exercise reduce depression in mice?"),
    (EXERCISE, "and anxiety?", "does exercise reduce anxiety in older adults?"),
    (EXERCISE, "and yoga?", "does yoga reduce depression in older adults?"),
    (
        EXERCISE,
        "what about in children with asthma?",
        "does exercise reduce depression in children with asthma?",
    ),
    (
        EXERCISE,
        "how many patients?",
        "how many patients in studies of exercise and depression in older adults?",
    ),
    (EXERCISE, "for how long?", "for how long does exercise reduce depression in older adults?"),
    (EXERCISE, "how often?", "how often does exercise reduce depression in older adults?"),
    (METFORMIN, "and letrozole?", METFORMIN.replace("metformin", "letrozole")),
    (METFORMIN, "and pregnancy rate?", METFORMIN.replace("ovulation", "pregnancy rate")),
    (METFORMIN, "what about the live birth rate?", METFORMIN.replace("ovulation", "live birth rate")),
    (METFORMIN, "versus clomiphene?", METFORMIN.replace("placebo", "clomiphene")),
    (METFORMIN, "and on body weight?", METFORMIN.replace("ovulation", "body weight")),
    (METFORMIN, "and in adolescents?", METFORMIN.replace("women", "adolescents")),
    (NEEDLES, "and massage?", "is massage effective for low back pain?"),
    (NEEDLES, "and neck pain?", "is acupuncture effective for neck pain?"),
    (NEEDLES, "is it safe?", "is acupuncture safe?"),
    (NEEDLES, "why?", "why is acupuncture effective for low back pain?"),
    (NEEDLES, "how many sessions?", "how many sessions in studies of acupuncture and low back pain?"),
    (PROBIOTICS, "which strains?", "which strains in studies of probiotics and diarrhoea in infants?"),
    (PROBIOTICS, "how many trials?", "how many trials of probiotics and diarrhoea in infants?"),
    (PROBIOTICS, "what about older children?", "can probiotics shorten diarrhoea in older children?"),
    (PROBIOTICS, "and zinc?", "can zinc shorten diarrhoea in infants?"),
    (PROBIOTICS, "what about lactose?", "can probiotics shorten diarrhoea in infants, and lactose?"),
    (OLANZAPINE, "and risperidone?", "what are the side effects of risperidone?"),
    (OLANZAPINE, "how common are they?", "how common are the side effects of olanzapine?"),
    (CAUSES, "how is it treated?", "what causes preeclampsia, and how is it treated?"),
    (CAUSES, "what about gestational diabetes?", "what causes gestational diabetes?"),
    (LH, "and the live birth rate?", "does LH supplementation increase the live birth rate?"),
    (LH, "and pregnancies?", "does LH supplementation increase the number of pregnancies?"),
    (
        "does smoking increase the risk of COVID-19?",
        "and vaping?",
        "does smoking increase the risk of COVID-19, and vaping?",
    ),
    (
        "which drugs lower blood pressure in pregnancy?",
        "are they safe for the baby?",
        "which drugs lower blood pressure in pregnancy, and are they safe for the baby?",
    ),
]

STANDS_ALONE = """
what is the effect of aspirin and ibuprofen on pain?
What is IT infrastructure in hospitals?
Is it true that coffee causes cancer?
Is it safe to take ibuprofen during pregnancy?
How long does it take for bone to heal?
What are the side effects of metformin?
Does aspirin reduce its own absorption?
Which drugs reduce mortality in sepsis?
In which countries is malaria endemic?
In patients with diabetes, does metformin reduce mortality?
And what is the role of VEGF in tumour growth?
What about the role of VEGF in tumour growth?
What was the first trial of aspirin for stroke prevention?
What evidence is there that statins prevent dementia?
Why do some patients not respond to checkpoint inhibitors?
How many people die of malaria every year?
When was penicillin discovered?
How does the study of zebrafish help regeneration research?
Does exercise help people with depression because it raises BDNF?
Does vitamin D help against influenza, and how?
With what frequency do statins cause myopathy?
What is the safety of rivaroxaban in the elderly?
What is the difference between T cells and B cells?
What are clinical trials?
Is placebo effective in chronic pain?
Which one of aspirin and ibuprofen causes fewer ulcers?
If it is given early, does aspirin reduce infarct size?
How do CRISPR screens work?
mesenchymal stem cells exosomes
VEGF
what is a randomised controlled trial?
Does this gene BRCA1 raise the risk of breast cancer?
What is the dose of amoxicillin for otitis media in children?
Why does metformin cause lactic acidosis?
do pericytes increase capillary density?
Does the long trial of statins matter for stroke?
Are women more likely than men to develop lupus?
Is type 2 diabetes reversible?
what is the capital of France?
How safe is rivaroxaban?
Should pregnant women take aspirin?
Is there a link between gut microbiota and depression?
What happens in the brain during sleep?
Can zinc shorten the common cold?
or is angiogenesis driven by hypoxia?
In mice, does rapamycin extend lifespan?
How does Wang's syndrome present?
What does that protein kinase inhibitor imatinib block?
Does HER2 status predict response to trastuzumab?
What if insulin is stopped in type 1 diabetes mellitus suddenly?
""".strip().splitlines()


@pytest.mark.parametrize(("before", "question", "expected"), FOLLOW_UPS + READABLE)
def test_a_follow_up_gets_the_topic_of_the_last_question(before: str, question: str, expected: str) -> None:
    made = rewrite(question, after(before))
    assert made.text == expected
    assert made.because == f"“{question}” follows “{before}”"
    assert made.filters == Filters()


@pytest.mark.parametrize("question", STANDS_ALONE)
def test_a_question_that_stands_alone_is_left_to_the_letter(question: str) -> None:
    made = rewrite(question, after(MSC, papers=(WANG, LEE, LONG)))
    assert (made.text, made.filters, made.because) == (question, Filters(), "")


def test_there_are_enough_examples_of_both() -> None:
    assert len(FOLLOW_UPS + READABLE) >= 90
    assert len(STANDS_ALONE) >= 45


@pytest.mark.parametrize("question", [question for _, question, _ in FOLLOW_UPS])
def test_without_a_past_nothing_is_a_follow_up(question: str) -> None:
    assert rewrite(question, []).text == question


@pytest.mark.parametrize(
    ("question", "papers", "expected"),
    [
        ("the second paper's dose?", ["10.1/lee"], "dose of MSCs?"),
        ("how many patients were in the second paper?", ["10.1/lee"], "how many patients were there?"),
        (
            "what dose did the second paper use?",
            ["10.1/lee"],
            "what dose did it use?",
        ),
        ("[2]?", ["10.1/lee"], MSC),
        ("tell me more about [3]", ["PMC1"], MSC),
        ("what does source 2 say about VEGF?", ["10.1/lee"], "what does it say about VEGF?"),
        ("what does the last paper say about VEGF?", ["10.1/lee"], "what does it say about VEGF?"),
        (
            "in that trial, how many patients were included?",
            ["PMC1"],
            "how many patients were included?",
        ),
        ("did that study measure capillary density?", ["PMC1"], "did it measure capillary density?"),
        ("Wang's paper: sample size?", ["PMC1"], "sample size of MSCs?"),
        ("wang’s study: sample size?", ["PMC1"], "sample size of MSCs?"),
        ("what did Lee 2021 find?", ["10.1/lee"], MSC),
        ("what did Liu et al. find about fibrosis?", ["PMC1"], "what did it find about fibrosis?"),
        ("what about the second paper?", ["10.1/lee"], MSC),
        (
            "what were the limitations of those studies?",
            ["PMC1", "10.1/lee"],
            "what were the limitations of MSCs?",
        ),
    ],
)
def test_papers_of_the_last_answer_become_a_filter(question: str, papers: list[str], expected: str) -> None:
    made = rewrite(question, after(MSC))
    assert made.text == expected
    assert made.filters == Filters(papers=tuple(papers))
    assert "Wang et al. 2026" in made.because or "Lee 2021" in made.because


@pytest.mark.parametrize(
    "question",
    [
        "what does the fifth paper say about VEGF?",  # two were cited
        "what does [9] say about VEGF?",
        "what is the effect of ME-TRAP (the adhesion protein TRAP [2]) compared with control on survival?",
        "what did Miller's study find about VEGF?",
        "what was the first trial of aspirin against stroke?",
        "does the long trial of statins matter for stroke?",  # an author is called Long
    ],
)
def test_what_names_no_paper_of_the_answer_limits_nothing(question: str) -> None:
    made = rewrite(question, after(MSC, papers=(WANG, LONG)))
    assert made.filters == Filters()


def test_an_author_may_be_named_long_after() -> None:
    past = [*after(MSC, papers=(WANG,)), *after("does aspirin reduce pain?", papers=(LEE,))]
    assert rewrite("what about Wang's paper?", past).filters == Filters(papers=("PMC1",))
    assert rewrite("what about the first paper?", past).filters == Filters(papers=("10.1/lee",))


@pytest.mark.parametrize(
    ("question", "years"),
    [
        ("and since 2015?", (2015, None)),
        ("only papers after 2018?", (2019, None)),
        ("before 2010?", (None, 2009)),
        ("until 2010", (None, 2010)),
        ("what about studies published in 2020?", (2020, 2020)),
    ],
)
def test_years_become_a_filter(question: str, years: tuple[int | None, int | None]) -> None:
    made = rewrite(question, after(MSC))
    assert (made.text, made.filters) == (MSC, Filters(years=years))


def test_a_detail_of_the_studies_is_no_new_topic() -> None:
    first = rewrite("how many patients?", after(EXERCISE))
    second = rewrite(
        "and in mice?", [*after(EXERCISE), Past("how many patients?", first.text, (), first.topic)]
    )
    assert second.text == "does exercise reduce depression in mice?"
    added = rewrite("does it last?", after(CAUSES))
    assert added.text == "what causes preeclampsia, and does it last?"
    assert added.topic == CAUSES


def test_follow_ups_of_follow_ups_keep_the_topic() -> None:
    first = rewrite("and in mice?", after(MSC))
    second = rewrite("what about safety?", [*after(MSC), Past("and in mice?", first.text)])
    assert second.text == "safety of MSCs in mice?"


WORDS = st.sampled_from(
    """and what about how in for with mice women safety dose the of it they its this these why does do is MSCs
    promote reduce angiogenesis pain ? , [2] second paper paper's Wang's that trial compared 12 weeks if
    same""".split()
)
WORDED = st.lists(WORDS, min_size=1, max_size=8).map(" ".join)


@given(st.one_of(st.text(max_size=80), WORDED), st.one_of(st.text(min_size=1, max_size=80), WORDED))
def test_no_question_breaks_the_rules(question: str, before: str) -> None:
    made = rewrite(question, after(before))
    assert made.because or made.text == question


# --- with a language model -------------------------------------------------------------------------------


class Model:
    """A chat model that replies as it is told, and remembers what it was asked."""

    name = "scripted"

    def __init__(self, reply: str | LlmError, *, whole: bool = True) -> None:
        self.reply = reply
        self.whole = whole
        self.asked: list[tuple[Message, ...]] = []

    def facts(self) -> Generator[Waiting, None, Facts]:
        yield Waiting()
        return Facts("scripted")

    def stream(self, request: ChatRequest) -> Generator[Waiting | Token, None, Ended]:
        self.asked.append(request.messages)
        if isinstance(self.reply, LlmError):
            raise self.reply
        yield Waiting()
        yield Token(self.reply)
        return Ended(self.whole, "" if self.whole else "it was cut short")


def test_a_models_rewriting_is_used_where_it_can_have_come_of_the_conversation() -> None:
    model = Model(' "Do MSCs promote angiogenesis in mice?" \n')
    made = LlmRewriter(model).rewrite("and in mice?", after(MSC))
    assert made.text == "Do MSCs promote angiogenesis in mice?"
    assert made.because == f"“and in mice?” follows “{MSC}”"
    assert model.asked[0][1].content == f"Questions so far:\n- {MSC}\n\nLast question: and in mice?"


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "Sure!\nDo MSCs promote angiogenesis in mice?",
        "MSCs " * 61,
        "I am sorry, but I cannot help with that request.",
        "What is the best recipe for a chocolate cake?",
        "\x1b]52;c;aGk=\x07 MSCs angiogenesis",
        LlmError("no answer", "Try again."),
    ],
)
def test_anything_else_gives_what_the_rules_give(reply: str | LlmError) -> None:
    made = LlmRewriter(Model(reply)).rewrite("and in mice?", after(MSC))
    assert made == rewrite("and in mice?", after(MSC))


def test_half_a_reply_is_none() -> None:
    model = Model("Do MSCs promote angiogenesis in mice?", whole=False)
    assert LlmRewriter(model).rewrite("and in mice?", after(MSC)) == rewrite("and in mice?", after(MSC))


def test_a_reply_that_takes_too_long_is_given_up() -> None:
    with pytest.raises(LlmError, match="longer than 0 seconds"):
        complete(Model("late"), [Message("user", "?")], seconds=0)


def test_a_question_with_a_topic_of_its_own_is_not_sent_at_all() -> None:
    model = Model("Do MSCs promote angiogenesis?")
    question = "does metformin reduce mortality in sepsis?"
    assert LlmRewriter(model).rewrite(question, after(MSC)).text == question
    assert LlmRewriter(model).rewrite("and in mice?", []).text == "and in mice?"
    assert model.asked == []


def test_a_model_keeps_the_papers_that_the_rules_saw() -> None:
    made = LlmRewriter(Model("What dose of MSCs was used?")).rewrite("the second paper's dose?", after(MSC))
    assert made.text == "What dose of MSCs was used?"
    assert made.filters == Filters(papers=("10.1/lee",))
