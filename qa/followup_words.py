"""The small vocabularies by which a follow-up is told from a question that stands alone."""

from __future__ import annotations

from qa.words import STOP_WORDS, tokens

# Whom or what a study was done in: what "and in mice?" replaces.
POPULATIONS = frozenset(
    """mice mouse rats rat humans human people persons patients patient children child kids adults adult
    women woman men man males females male female elderly elders seniors infants infant babies neonates
    newborns toddlers adolescents teenagers boys girls mothers pigs pig swine rabbits dogs cats monkeys
    primates macaques zebrafish sheep goats cattle horses hamsters ferrets chickens animals animal
    volunteers smokers nonsmokers athletes participants outpatients inpatients survivors drosophila
    yeast vivo vitro""".split()
)
# What may be asked of any treatment, cause or study, and so names no topic by itself.
ATTRIBUTES = frozenset(
    """time times safety safe safer safest tolerability toxicity toxic side effect effects effective
    effectiveness efficacy efficacious adverse event events reaction reactions harm harms harmful risk
    risks benefit benefits dose doses dosage dosages dosing amount concentration concentrations duration
    frequency timing schedule regimen mechanism mechanisms pathway pathways mortality survival
    limitation limitations caveat caveats strength strengths weakness weaknesses sample size number
    outcome outcomes endpoint endpoints result results finding findings conclusion conclusions evidence
    study studies trial trials paper papers article articles cost costs price contraindications
    contraindication interactions prognosis difference differences factors cause causes reason reasons
    consequence consequences implications alternatives alternative follow up term short long optimal
    recommended usual best maximum minimum typical common main major serious severe average mean total
    statistically significant significance important reported observed known design method methods
    quality comparator group groups size funding funded details example examples quickly fast soon late
    often longer better worse true happen happens happening occur occurs same different similar last
    lasting""".split()
)
# Verbs that say nothing of what a question is about.
WEAK_VERBS = frozenset(
    """use used uses using give gave given gives take takes taken taking took work works worked show shows
    showed shown find finds found report reports say says said tell tells told mention mentions
    mentioned include includes included involve involved test tested measure measured study studied see
    seen know think mean compare compares compared make made get got need needed help helps helped
    matter stop start begin recommend enrol enrolled enroll recruited treat treated receive received
    exist apply applies conclude concludes concluded suggest suggests suggested look looked administer
    administered deliver delivered last lasts lasted""".split()
)
# What separates the subject of a question from what is said of it.
VERBS = frozenset(
    """promote promotes reduce reduces increase increases improve improves affect affects prevent prevents
    cause causes lower lowers raise raises inhibit inhibits induce induces decrease decreases enhance
    enhances help helps treat treats modulate modulates regulate regulates alter alters protect protects
    influence influences lead leads change changes play secrete secretes express expresses predict
    predicts activate activates suppress suppresses stimulate stimulates mediate mediates block blocks
    slow slows accelerate accelerates delay delays attenuate attenuates ameliorate alleviate relieve
    relieves restore restores support supports contribute contributes interact bind binds target targets
    work works differ differs kill kills shorten shortens extend extends trigger triggers worsen worsens
    have has release releases transfer migrate differentiate survive survives spread spreads develop
    respond act acts associated linked related effective safe useful superior inferior better worse
    beneficial involved correlated necessary required used cured caused do""".split()
)
PREPOSITIONS = frozenset(
    """in among amongst for with without on after before during within at under versus vs compared against
    from between by through via over until despite given""".split()
)
AUXILIARIES = frozenset(
    """do does did is are was were can could will would should may might must has have had am""".split()
)
QUESTION_WORDS = frozenset("what which who whom whose when where why how".split())
QUANTITIES = frozenset("many much few large big small high low well old young first second third".split())
_NO_TOPIC = STOP_WORDS | POPULATIONS | ATTRIBUTES | WEAK_VERBS | PREPOSITIONS | AUXILIARIES | QUANTITIES


def own_words(text: str) -> list[str]:
    """The words of a text that name a topic: no function word, population, attribute or weak verb."""
    return [w for w in tokens(text) if w not in _NO_TOPIC and (len(w) > 1 or w.isdigit())]


def has_population(text: str) -> bool:
    """Whether the text names whom or what a study was done in."""
    return any(word in POPULATIONS for word in tokens(text))
