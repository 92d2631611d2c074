"""Words and phrases that say what a question demands, in English and German; read by the scored policy.

Each constant is one kind of demand. Words match whole words, phrases match runs of whole words; all are case-folded
(so "ß" is "ss", umlauts stay). Verbs stand in the forms in which people ask; German adjectives get their endings from
`_endings`. Nouns that name a field ("technical analysis") are no demand and are left out.
"""

from collections.abc import Set
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Cues:
    """One kind of demand: single words and phrases."""

    words: frozenset[str]
    phrases: tuple[str, ...]
    _padded: tuple[tuple[str, str], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_padded", tuple((f" {phrase} ", phrase) for phrase in self.phrases))

    def found(self, flat: str, tokens: Set[str]) -> list[str]:
        """The distinct matches, phrases first. `flat` is the words joined by and enclosed in single spaces, `tokens`
        the same words as a set."""
        return [phrase for padded, phrase in self._padded if padded in flat] + sorted(self.words & tokens)


def word_set(words: str) -> frozenset[str]:
    """Words written in a row, as a set."""
    return frozenset(words.split())


def _cues(words: str, *phrases: str) -> Cues:
    return Cues(word_set(words), phrases)


def _endings(stems: str) -> str:
    """German adjectives in every ending."""
    return " ".join(stem + ending for stem in stems.split() for ending in ("", "e", "em", "en", "er", "es"))


# Openings of many look-ups, but of harder questions too.
DEFINITION = _cues(
    "define definition meaning mean means called when who whose whom bedeutet heisst wer wen wem wann",
    "what is", "what are", "what s", "what was", "the word", "the term", "was ist", "was sind", "das wort",
    "der begriff",
)  # fmt: skip

# Asks for a name, a number, a spelling.
FACT = _cues(
    "abbreviation acronym spell spelled invented founded ticker plural synonym currency"
    " abkürzung kürzel hauptstadt wofür erfunden gegründet nenne währung",
    "stand for", "stands for", "how many", "how big", "how old", "which year", "what year", "what time",
    "which exchange", "which country", "which city", "yes or no", "steht für", "wie viele", "wie viel", "wie gross",
    "wie heisst", "wie lautet", "welchem jahr", "welcher stadt", "wie viel uhr",
)  # fmt: skip

EXPLANATION = _cues(
    "how explain explains explanation why describe understand understanding reason"
    " wie erkläre erklär erklären erklärung erläutere warum weshalb wieso beschreibe beschreiben verstehen verstehe",
    "what makes", "what causes", "walk me through", "in what way", "idea behind", "point of", "in plain words",
    "what happens", "woran liegt", "woran das liegt", "was steckt", "dahinter steckt", "der sinn",
    "in einfachen worten", "mit einfachen worten", "was geschieht",
)  # fmt: skip

ANALYSIS = _cues(
    "compare compares comparing comparison versus vs tradeoff tradeoffs analyze analyse evaluate assess weigh"
    " calculate compute determine estimate derive optimize optimise rank rather better best worse beat beats win wins"
    " whether suppose given cheaper safer diagnose prove"
    " vergleiche vergleichen vergleich analysiere analysieren bewerte bewerten beurteile beurteilen berechne bestimme"
    " ermittle schätze optimiere unterschied unterschiede besser besten günstiger klüger sicherer schlägt gegenüber"
    " vorteile nachteile angenommen abwägen entweder ob",
    "trade offs", "trade off", "difference between", "differences between", "pros and cons", "work out", "figure out",
    "reason through", "should i", "would you", "what would", "which one", "how much confidence", "step by step",
    "what if", "where does", "leite her", "wäge ab", "was passt", "sollte ich", "schritt für schritt",
    "finde ich heraus",
)  # fmt: skip

# Asks for all there is.
COMPLETENESS = _cues(
    "comprehensive comprehensively thorough thoroughly detailed extensive extensively exhaustive complete entire"
    " everything survey alles sämtliche "
    + _endings("umfassend vollständig ausführlich detailliert gründlich komplett erschöpfend gesamt"),
    "a full", "in depth", "full analysis", "all there is", "big picture", "state of research", "from scratch",
    "every angle", "what is known", "the whole", "stand der forschung", "grosse bild", "von grund auf",
    "weiss man", "den ganzen", "die ganze", "das ganze",
)  # fmt: skip

# Names the kind of work that holds many parts.
WORK = _cues(
    "report study framework architecture chapter literature overview monograph handbook research decades history"
    " evidence studies lessons roadmap milestones"
    " bericht studie studien studienlage untersuchung übersicht überblick darstellung forschung geschichte kapitel"
    " lehren architektur bestandsaufnahme lehrbuchkapitel",
)  # fmt: skip

TASKS = word_set(
    "write describe show propose design implement plan explain choose create develop draw derive summarise summarize"
    " cover covering include including finish combine stress justify supply compile examine prepare build teach lay"
    " review recommend grade compare analyze analyse evaluate"
    " schreibe beschreibe zeige plane lege liefere begründe ordne entwickle erstelle leite nenne stelle fasse"
    " vergleiche analysiere erläutere untersuche entwirf implementiere arbeite trage konzipiere"
)
