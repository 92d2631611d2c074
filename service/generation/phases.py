"""What Ollama's own figures mean: parts of an answer's time, a cold start, a prompt that was cut. Pure; seconds.

Ollama reports total, load, prompt_eval and eval in nanoseconds and leaves out what is zero. The wait for a parallel
slot is in none of the parts: queue = total - load - prompt_eval - eval.
"""

from dataclasses import dataclass

_NS = 1e-9

# Warm calls report 1-30 ms of "load" (up to 0.1 s on a busy machine): the time to find the runner. The tiniest model
# takes 0.3 s to load, real ones seconds.
_WARM_AT_MOST_S = 0.1
_COLD_AT_LEAST_S = 1.0


@dataclass(frozen=True, slots=True)
class Phases:
    """Parts of one answer; they sum to no more than its total."""

    queue_s: float
    load_s: float
    prompt_eval_s: float
    eval_s: float


def phases_of(
    *,
    total_s: float,
    total_ns: int | None,
    load_ns: int | None,
    prompt_eval_ns: int | None,
    eval_ns: int | None,
) -> Phases:
    """The parts, none below zero, cut to fit `total_s` as the client measured it."""
    load, prompt_eval, evaluation = (max(0, value or 0) * _NS for value in (load_ns, prompt_eval_ns, eval_ns))
    queue = max(0.0, (total_ns or 0) * _NS - load - prompt_eval - evaluation)
    left = max(0.0, total_s)
    fitted: list[float] = []
    # The queue comes last: it is derived, so it gives way first.
    for part in (load, prompt_eval, evaluation, queue):
        fitted.append(min(part, left))
        left -= fitted[-1]
    return Phases(queue_s=fitted[3], load_s=fitted[0], prompt_eval_s=fitted[1], eval_s=fitted[2])


def was_cold(load_s: float, *, resident: bool) -> bool:
    """Whether this answer waited for its model to be loaded.

    `resident` is what the last poll before the call saw, and may be seconds old. So neither sign is believed alone:
    between the two limits the poll decides; below the lower one the model was there whatever the poll said (another
    call had loaded it since), above the upper one it was not (it had been evicted since).
    """
    if resident:
        return load_s >= _COLD_AT_LEAST_S
    return load_s > _WARM_AT_MOST_S


def was_truncated(input_tokens: int, num_ctx: int, loaded_context: int) -> bool:
    """Whether the server cut the prompt, which it does without saying so.

    A cut prompt fills the window exactly. The window is what was asked for, or less when the model was trained for
    less: what the last poll saw it loaded with (0 = not known) is believed only to the token, because another program
    may have loaded it with other options since.
    """
    return input_tokens >= num_ctx or (0 < loaded_context == input_tokens)
