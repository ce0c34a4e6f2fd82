"""Whether a few words name something that is done or something that comes of it: "ibuprofen", "mortality".

"And ibuprofen?" asks for another treatment, "and mortality?" for another outcome. Many words are neither, as
far as these lists know.
"""

from __future__ import annotations

import re
from enum import StrEnum

from qa.words import tokens


class Kind(StrEnum):
    """What a noun may be in a question about an effect."""

    TREATMENT = "treatment"
    OUTCOME = "outcome"


_TREATMENTS = frozenset(
    """therapy therapies psychotherapy immunotherapy chemotherapy radiotherapy radiation physiotherapy
    treatment training exercise exercises yoga pilates meditation mindfulness counselling counseling
    coaching education massage acupuncture electroacupuncture acupressure moxibustion hypnosis biofeedback
    surgery arthroplasty bypass stenting laparoscopy transplantation grafting vaccine vaccines vaccination
    immunisation immunization diet diets fasting supplement supplements supplementation vitamin vitamins
    iron probiotics prebiotics antibiotics antibiotic antivirals antidepressants antipsychotics
    corticosteroids steroids opioids statins nsaids diuretics zinc calcium magnesium selenium folate
    caffeine alcohol tobacco nicotine cannabis cannabidiol aspirin paracetamol acetaminophen morphine
    ketamine heparin warfarin lithium oxytocin melatonin placebo sham stimulation ventilation dialysis
    infusion injection injections splinting bracing taping screening telemedicine telephone app programme
    program intervention interventions tai-chi qigong walking swimming cycling running stretching clomiphene
    letrozole progesterone estradiol testosterone fsh lh hcg gnrh msc mscs epcs lasers laser cbt hormones
    curcumin creatine ginger garlic naloxone methadone buprenorphine hydroxychloroquine remdesivir""".split()
)
_OUTCOMES = frozenset(
    """pain mortality death deaths survival recurrence relapse relapses remission recovery weight obesity
    bmi anxiety depression stress fatigue sleep insomnia mood cognition memory attention balance falls
    fractures strength function functioning disability mobility speed symptoms symptom severity score scores
    rate rates level levels concentration concentrations count counts number percentage incidence prevalence
    frequency pressure glucose cholesterol triglycerides hba1c ldl hdl crp ferritin haemoglobin hemoglobin
    cortisol infection infections pneumonia diarrhoea diarrhea sepsis bleeding thrombosis stroke infarction
    angiogenesis osteogenesis fibrosis inflammation apoptosis proliferation migration differentiation
    ovulation pregnancy pregnancies fertilisation fertilization implantation miscarriage miscarriages birth
    births stillbirth growth height satisfaction adherence compliance qol wellbeing well-being quality
    vomiting nausea headache headaches cough fever healing angina hospitalisation hospitalization admissions
    readmission exacerbations response dementia hypertension diabetes cancer asthma complications density
    thickness volume duration length loss gain capacity performance sensitivity resistance expression
    activity""".split()
)
# Stems of international nonproprietary names, and what ends the names of procedures and states.
_DRUG = re.compile(
    r".{2,}(?:mab|nib|pril|sartan|olol|statin|cillin|mycin|floxacin|conazole|oxetine|azepam|triptan|gliptin|gliflozin"
    r"|glutide|caine|dipine|ovir|avir|uvir|prazole|tidine|setron|parin|xaban|gatran|grel|fibrate|dronate|profen|coxib"
    r"|sone|solone|terol|tropium|phylline|lukast|ciclib|limus|platin|taxel|rubicin|fenac|formin|apine|idone|piprazole"
    r"|faxine|traline|alopram|thiazide|artemether|artesunate|quine|cept|ectomy|otomy|oplasty)s?"
)
_STATE = re.compile(r".{3,}(?:itis|osis|aemia|emia|pathy|uria|algia|pnoea|pnea)")


def kind_of(words: str) -> Kind | None:
    """What a phrase names by its last word, or by the last before its first preposition; None if unknown."""
    before = re.split(r"\b(?:of|in|for|with|at|after|on|to)\b", words, maxsplit=1, flags=re.IGNORECASE)[0]
    said = tokens(before)
    if not said:
        return None
    last = said[-1]
    singular = last[:-1] if last.endswith("s") else last
    if last in _OUTCOMES or singular in _OUTCOMES or _STATE.fullmatch(last):
        return Kind.OUTCOME
    if last in _TREATMENTS or singular in _TREATMENTS or _DRUG.fullmatch(last):
        return Kind.TREATMENT
    return None
