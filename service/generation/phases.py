"""What Ollama's own figures mean: parts of an answer's time, a cold start, a prompt that was cut. Pure; seconds.

Ollama reports total, load, prompt_eval and eval in nanoseconds and leaves out what is zero. The wait for a parallel
slot is in none of the parts: queue = total - load - prompt_eval - eval.
"""

from dataclasses import dataclass

_NS = 1e-9

# Warm calls report a "load" too: 1-3 ms to find the runner, up to 0.1 s on a busy machine. Loading the tiniest model
# takes 0.03-0.3 s, real ones take seconds.
_NO_LOAD_AT_MOST_S = 0.02
_LOAD_AT_LEAST_S = 1.0


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

    `resident` is what was known before the call: the last poll saw the model in memory, or it has answered since. A
    poll may be seconds old, so the time counts as well: a model thought absent was there if it took no time to load
    (another program had loaded it), and one thought present was not if it took a second (it had been evicted).
    """
    return load_s >= _LOAD_AT_LEAST_S if resident else load_s > _NO_LOAD_AT_MOST_S


def was_truncated(input_tokens: int, num_ctx: int, loaded_context: int) -> bool:
    """Whether the server cut the prompt, which it does without saying so.

    A cut prompt fills the window exactly. The window is what was asked for, or less when the model was trained for
    less: what the last poll saw it loaded with (0 = not known) is believed only to the token, because another program
    may have loaded it with other options since.
    """
    return input_tokens >= num_ctx or (0 < loaded_context == input_tokens)
