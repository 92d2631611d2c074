"""What is told of each configured model: state as last polled, load, breaker, and a few words for people."""

from collections.abc import Mapping
from typing import Any

from service.routing.port import ModelState, Tier
from service.services import Services

_KNOWN: Mapping[str, tuple[str, str, str, str]] = {
    "llama3.2:3b": ("Llama 3.2 3B", "Fastest", "Basic", "Simple questions"),
    "llama3.1:latest": ("Llama 3.1 Latest", "Fast", "Balanced", "General questions"),
    "qwen2.5-coder:14b": ("Qwen 2.5 Coder 14B", "Medium", "High", "Complex analysis"),
    "gpt-oss:20b": ("GPT-OSS 20B", "Slowest", "Highest", "Research & analysis"),
}
_BY_TIER: Mapping[Tier, tuple[str, str, str]] = {
    Tier.SIMPLE: ("Fastest", "Basic", "Simple questions"),
    Tier.MEDIUM: ("Fast", "Balanced", "General questions"),
    Tier.COMPLEX: ("Medium", "High", "Complex analysis"),
    Tier.RESEARCH: ("Slowest", "Highest", "Research & analysis"),
}
_UNKNOWN = ("Unknown", "Unknown", "Unknown")


def model_info(name: str, tiers: tuple[Tier, ...] = ()) -> dict[str, str]:
    """A model in words. One that is not known by name is described by the first tier it serves."""
    shown, speed, capability, use_case = _KNOWN.get(name, (name, *(_BY_TIER[tiers[0]] if tiers else _UNKNOWN)))
    return {"name": shown, "speed": speed, "capability": capability, "use_case": use_case}


def models_object(services: Services) -> dict[str, Any]:
    """Every chat model in the order of the tiers, then the embedder."""
    snapshot = services.directory.snapshot()
    names = dict.fromkeys((*services.chat_models, services.embedding_model))
    load_times = services.load_times()
    told = [
        _model_object(snapshot.models.get(name, ModelState(name)), services, load_times.get(name))
        for name in names
        if name
    ]
    return {
        "reachable": snapshot.reachable,
        "polled_at": snapshot.polled_at,
        "swaps": snapshot.swaps,
        "poll_errors": snapshot.poll_errors,
        "models": told,
    }


def _model_object(state: ModelState, services: Services, last_load_s: float | None) -> dict[str, Any]:
    tiers = tuple(tier for tier, model in services.tiers.items() if model == state.name)
    load = services.limiter.load(state.name)
    return {
        "name": state.name,
        "role": "chat" if state.name in services.chat_models else "embedding",
        "tiers": tiers,
        "installed": state.installed,
        "resident": state.resident,
        "digest": state.digest,
        "size_bytes": state.size_bytes,
        "vram_bytes": state.vram_bytes,
        "expires_at": state.expires_at,
        "quantization": state.quantization,
        "parameter_size": state.parameter_size,
        "context_length": state.context_length,
        "in_flight": load.in_flight,
        "waiting": load.waiting,
        "slots": load.slots,
        "max_waiting": load.max_waiting,
        "usual_service_s": load.usual_service_s,
        "last_load_s": last_load_s,
        "breaker": services.health.state(state.name),
        "info": model_info(state.name, tiers),
    }
