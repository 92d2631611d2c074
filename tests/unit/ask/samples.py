"""Values that the tests of the use case share."""

from service.ask.types import Answer, Citation, Degradation, Mode
from service.generation.port import Completion, FinishReason
from service.retrieval.port import Passage
from service.routing.port import Features, Route, RouteReason, Tier

FEATURES = Features(4, 25, 1, 0, 0, 1, False)
ANSWER = Answer(
    text="Momentum persists [1].",
    mode=Mode.GENERATED,
    model="small",
    citations=(Citation("Momentum persists.", "momentum.md", "d1", "c1", 0, 18),),
    degraded=(Degradation.NO_EMBEDDER,),
    notice="",
    input_tokens=12,
    output_tokens=5,
    digest="sha-small",
)


def passage(number: int, text: str = "Momentum persists for months.", source: str = "momentum.md") -> Passage:
    return Passage(f"c{number}", f"d{number}", source, text, 0, len(text), 1.0 / number, ((0, len(text)),))


def completion(
    model: str = "small", finish: FinishReason = FinishReason.STOP, *, truncated: bool = False, cold: bool = False
) -> Completion:
    return Completion(
        model=model,
        digest=f"sha-{model}",
        finish=finish,
        input_tokens=12,
        output_tokens=5,
        total_s=1.0,
        first_chunk_s=0.2,
        first_answer_s=0.2,
        queue_s=0.1,
        load_s=0.5 if cold else 0.01,
        prompt_eval_s=0.1,
        eval_s=0.2,
        cold=cold,
        prompt_truncated=truncated,
    )


def route(
    model: str | None = "small",
    wanted: str = "small",
    reason: RouteReason = RouteReason.POLICY,
    fallbacks: tuple[str, ...] = (),
    requested: str = "auto",
    warm: str | None = None,
) -> Route:
    return Route(requested, Tier.SIMPLE, wanted, model, reason, ("few words",), FEATURES, fallbacks, warm)
