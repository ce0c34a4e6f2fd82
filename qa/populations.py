"""Whom a question is about (mice, children, smokers, women with PCOS), and whether a text speaks of them.

Deliberately generous with what counts as speaking: a reader is told that the quotes do not speak of mice only
where no word of theirs does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from qa.words import STOP_WORDS, content_words, fold, stem, tokens

# What the reader is told | what names it in a question | what else speaks of it. A dash at the end stands for
# any ending. Words are compared without accents and in lower case.
_TABLE = """
mice | mouse mice murine | c57bl- balb- knockout- knock-out- transgenic xenograft- rodent rodents
rats | rat rats | rattus sprague-dawley wistar rodent rodents
rodents | rodent rodents | mouse mice murine rat rats hamster- gerbil- c57bl- balb- sprague-dawley wistar
guinea pigs | guinea-pig- | cavia
rabbits | rabbit rabbits | leporine
pigs | pig pigs piglet- porcine swine | minipig- sow sows boar boars hog hogs
dogs | dog dogs canine canines | puppy puppies beagle- hound-
cats | cats feline felines | cat kitten-
sheep | sheep ovine | lamb lambs ewe ewes ram rams
goats | goat goats caprine | kid
cattle | cattle cow cows bovine calves | calf heifer- bull bulls dairy herd herds ruminant-
horses | horse horses equine | foal foals mare mares
hamsters | hamster hamsters | rodent rodents
ferrets | ferret ferrets | mustela
chickens | chicken chickens poultry | chick chicks hen hens broiler- avian fowl cockerel-
birds | bird birds avian | fowl poultry chicken- duck- goose geese waterfowl
bats | bat bats | chiroptera- flying-fox- rousettus pteropus
camels | camel camels dromedar- | camelid-
monkeys | monkey monkeys macaque macaques | primate primates rhesus cynomolgus marmoset- baboon- chimpanzee-
primates | primate primates | monkey- macaque- rhesus cynomolgus marmoset- baboon- chimpanzee- human- ape\
 apes
zebrafish | zebrafish | danio
fruit flies | drosophila fruit-fly fruit-flies | fly flies melanogaster
nematodes | c-elegans nematode nematodes | elegans worm worms caenorhabditis
yeast | yeast yeasts | cerevisiae pombe saccharomyces
animals | animals | animal mouse mice murine rat rats rodent- rabbit- pig pigs porcine piglet- dog dogs\
 canine cat cats feline sheep ovine cow cows bovine calves cattle horse- equine hamster- ferret- chicken-\
 bird- avian bat bats camel- monkey- macaque- primate- zebrafish drosophila livestock poultry swine vivo\
 veterinary wildlife
children | child children paediatric pediatric kids schoolchildren | childhood infant- infancy boy boys girl\
 girls school- preschool- pupil- toddler- adolescen- neonat- newborn- baby babies kindergarten youth-\
 juvenile young minors aged-\\d- months-old years-of-age parent- son daughter
infants | infant infants baby babies | newborn- neonat- preterm premature infancy months-old months-of-age\
 birth- breastfed breast-fed perinatal child-
newborns | newborn newborns neonate neonates neonatal | infant- baby babies preterm premature birth-\
 perinatal
adolescents | adolescent adolescents teenagers teenager teens | adolescence youth- young puber- school-\
 student- teen juvenile girl girls boy boys pupil- child-
older adults | elderly seniors older-adults older-people older-patients older-persons older-women older-men\
 old-people geriatric | older elder- aged ageing aging senior- senescen- frail- dementia alzheimer-\
 nursing-home nursing-homes retire- ≥\\s?[6789]\\d old community-dwelling over-[6789]\\d above-[6789]\\d\
 postmenopaus-
women | woman women females | female females girl girls maternal mother- pregnan- postmenopaus- menopaus-\
 ladies gynecolog- gynaecolog- obstetric- breast ovar- uter- endometri- cervical vagin- ivf icsi menstru-\
 lactat- she her
men | men | man male males boy boys prostat- testic- erectile testoster- sperm- fathers he his
pregnant women | pregnant pregnancy pregnancies | pregnan- gestation- maternal antenatal prenatal obstetric-\
 trimester- mother- gravid- partur- delivery ivf icsi birth-
smokers | smoker smokers | smok- tobacco cigarette-
athletes | athlete athletes | athletic player players runner runners cyclist- sport- swimmer- rower- trained\
 triathlet- sprint- football- soccer elite
students | student students undergraduates | undergraduate school- pupil- college universit- trainee-
nurses | nurse nurses | nursing
veterans | veteran veterans | military soldier- army navy combat deployed war
health workers | healthcare-workers health-care-workers health-workers healthcare-personnel |\
 healthcare-worker health-care-worker health-worker- nurse- nursing physician- doctor- clinician- staff\
 hospital-workers hcw hcws medical-personnel personnel professionals
healthy volunteers | healthy-volunteers healthy-subjects healthy-adults healthy-people | healthy volunteer-
humans | humans human-subjects human-volunteers human-beings | human people person- patient- participant-\
 subject- volunteer- individual- men women man woman children child infant- adult- clinical- trial- cohort-\
 hospital- cases boys girls students nurses residents workers outbreak- public population- community
patients | patient patients | human humans people person- participant- subject- volunteer- individual- men\
 women man woman children child infant- adult- clinical- trial- cohort- hospital- case cases boys girls\
 inpatient- outpatient- student- he she infected admitted survivors
"""
# "Goat anti-mouse IgG" and "fetal bovine serum" are no animals that were studied.
_REAGENT = re.compile(
    r"\banti[- ]?(?:mouse|rat|rabbit|human|goat|sheep|bovine|pig|chicken|horse|donkey)\w*"
    r"|\b(?:mouse|rat|rabbit|goat|sheep|chicken|horse|donkey|bovine|calf)(?=\s+(?:monoclonal|polyclonal|igg|igm"
    r"|antibod\w+|serum|sera|albumin|anti)\b)",
)
_SET_APART = re.compile(
    r"\b(?:not|except|excluding|besides|other than|rather than|instead of)(?:\s+(?:in|for|among|on))?\s+$"
)
_WITH = re.compile(
    r"\b(?:patients?|people|persons?|individuals|subjects|participants|adults?|women|men|children|adolescents|infants"
    r"|boys|girls|mothers|volunteers|mice|rats|dogs|athletes|smokers|students|survivors|those)"
    r"(?:\s+(?:who|that)\s+(?:have|had))?(?:\s+(?:diagnosed|presenting|living))?\s+(?:with|suffering from)\s+"
    r"(?P<what>[^?,;.()]+)",
    re.IGNORECASE,
)
_AT_AN_END = re.compile(
    r"\s(?:compared|versus|vs|than|on|in|at|after|before|during|undergoing|receiving|received|treated|taking|given|who"
    r"|that|and|or|is|are|was|were|has|have|had|by|from|to|for|with|without|improves?|reduces?|increases?|affects?"
    r"|decreases?|benefit|respond|receive|experience|show|shows|showed|fail|fails|failed|using|when|under|do|does|did|can|could|may|should|be)\b.*$",
    re.IGNORECASE,
)
# Say how much or of which sort, not what: a paper on "severe asthma" speaks of asthma.
_VAGUE = frozenset(
    """severe mild moderate acute chronic early advanced late stage newly recent recently high low higher
    lower confirmed suspected known disease diseases disorder disorders syndrome syndromes condition
    conditions type primary secondary active stable unstable history new old symptomatic asymptomatic
    symptoms diagnosis diagnosed positive negative risk level levels grade degree clinical common different
    recurrent persistent uncontrolled controlled established significant normal abnormal poor good prior
    previous several multiple infection""".split()
)
# A finding about patients, not whom a study was done in: "patients with a reduction of migraine days".
_OUTCOME = re.compile(
    r"\b(?:reduc|improv|increas|decreas|elevat|chang|presum)\w*|\b(?:cases?|use|concentrations?|levels|status|days"
    r"|complications?|relapses?|exacerbations?)\b|[≥≤<>=%]",
    re.IGNORECASE,
)
# Names of illnesses that hold an animal's.
_NAME_OF_ILLNESS = re.compile(
    r"\b(?:swine|avian|bird|equine|canine|porcine|bovine|feline)[- ](?:flu|influenza)\b"
    r"|\b(?:cat scratch|mad cow|hand, foot|chicken ?pox|monkey ?pox|cow ?pox|rat bite|athlete['’]?s foot)\b"
)
# What goes unsaid beside the narrower name.
_WIDER = {
    "guinea pigs": "pigs",
    "pregnant women": "women",
    "newborns": "infants",
    "rats": "rodents",
    "mice": "rodents",
}
_DEGREES = frozenset(
    """severe mild moderate acute chronic early advanced late newly recently recent confirmed suspected known
    active stable unstable diagnosed established uncontrolled controlled recurrent persistent""".split()
)
_ACRONYM = re.compile(r"[A-Za-z0-9]*[A-Z][A-Za-z0-9-]*[A-Z0-9][A-Za-z0-9-]*")
_PUNCTUATION = re.compile(r"[^\w\s-]+")
_HALF = 0.5  # of the words of a condition that must be there
_PREFIX = 6  # letters that cirrhosis and cirrhotic share
_SHORTEST_INITIALS = 3  # two initials fit too many pairs of words


@dataclass(frozen=True, slots=True)
class Population:
    """Whom or what a question asks about, as the reader is told, and how it is found in a text."""

    name: str
    words: re.Pattern[str] | None = None  # None for a condition ("with PCOS"), which has a name only

    def spoken_of(self, text: str, meanings: Mapping[str, str] | None = None) -> bool:
        """Whether the text speaks of them. `meanings` are the abbreviations of its paper."""
        if self.words is not None:
            return self.words.search(_REAGENT.sub(" ", _plain(text))) is not None
        return _holds_condition(self.name, text, meanings or {})


def populations(question: str) -> tuple[Population, ...]:
    """The populations and conditions that the question names, in its order; none for most questions."""
    said = _plain(question)
    for beside in (_REAGENT, _NAME_OF_ILLNESS):
        said = beside.sub(lambda match: "." * len(match[0]), said)
    found: list[tuple[int, Population]] = []
    for population, asked in _known():
        match = asked.search(said)
        if match and not _SET_APART.search(said[: match.start()]):
            found.append((match.start(), population))
    for match in _WITH.finditer(question):
        name = _condition(match["what"])
        if name:
            found.append((match.start("what"), Population(name)))
    named = [population for _, population in sorted(found, key=lambda pair: pair[0])]
    wider = {_WIDER.get(population.name) for population in named}
    return tuple(population for population in named if population.name not in wider)


@cache
def _known() -> tuple[tuple[Population, re.Pattern[str]], ...]:
    """Every population of the table, with the words that name it in a question."""
    made = []
    for row in _TABLE.strip().splitlines():
        name, asked, spoken = (part.strip() for part in row.split("|"))
        made.append((Population(name, _any_of(f"{asked} {spoken}")), _any_of(asked)))
    return tuple(made)


def _any_of(words: str) -> re.Pattern[str]:
    parts = []
    for word in words.split():
        ending = r"[\w-]*" if word.endswith("-") else ""
        # A hyphen inside stands for a hyphen or a space.
        parts.append(word.rstrip("-").replace("-", r"[-\s.]+") + ending)
    return re.compile(rf"(?<![\w-])(?:{'|'.join(parts)})(?![\w])")


def _plain(text: str) -> str:
    return " ".join(fold(text).split())


def _condition(words: str) -> str:
    """The name of a condition without what follows it and without what only says how severe it is."""
    name = _AT_AN_END.sub("", f" {words}").strip()
    if _OUTCOME.search(name):
        return ""
    kept = name.split()
    while kept and (fold(kept[0]) in STOP_WORDS or fold(kept[0]) in _DEGREES):
        kept = kept[1:]
    name = " ".join(kept)
    return name if len(kept) <= 6 and _distinctive(name) else ""


def _distinctive(name: str) -> list[str]:
    return [word for word in content_words(name) if word not in _VAGUE | STOP_WORDS and not word.isdigit()]


def _holds_condition(name: str, text: str, meanings: Mapping[str, str]) -> bool:
    spelled = [long for short, long in meanings.items() if re.search(rf"\b{re.escape(short)}", text)]
    stems = {stem(word) for word in tokens(f"{text} {' '.join(spelled)}")}
    wanted = _distinctive(name)
    acronyms = {fold(found): fold(_singular(found)) for found in _ACRONYM.findall(name)}
    held = [
        word
        for word in wanted
        if _among(word, stems) or (word in acronyms and _initials(acronyms[word], text))
    ]
    return len(held) >= _HALF * len(wanted)


def _among(word: str, stems: set[str]) -> bool:
    mine = stem(word)
    if mine in stems or (word.endswith("s") and word[:-1] in stems):
        return True
    return len(mine) >= 4 and any(
        other.startswith(mine[:_PREFIX]) or (len(other) >= 4 and mine.startswith(other)) for other in stems
    )


def _singular(acronym: str) -> str:
    return acronym[:-1] if acronym.endswith("s") and acronym[-2].isupper() else acronym


def _initials(acronym: str, text: str) -> bool:
    """Whether a run of words gives the acronym: of each word its first letter and, it may be, later ones."""
    if len(acronym) < _SHORTEST_INITIALS:
        return False
    for phrase in _PUNCTUATION.split(text):
        # "Placebo-controlled on sugar" is no PCOS: a function word ends the run.
        words = ["" if word in STOP_WORDS else word for word in tokens(phrase)]
        if any(_spell(acronym, words[at : at + len(acronym)]) for at in range(len(words))):
            return True
    return False


def _spell(letters: str, words: list[str], inside: int = 1) -> bool:
    """Whether the words give the letters in order: each its first, and together `inside` more."""
    if not letters:
        return True
    if not words or not words[0].startswith(letters[0]):
        return False
    if _spell(letters[1:], words[1:], inside):
        return True
    more = len(letters) > 1 and inside > 0 and letters[1] in words[0][1:]
    return more and _spell(letters[2:], words[1:], inside - 1)
