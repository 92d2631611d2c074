"""Models in words."""

from service.api.model_status import model_info
from service.routing.port import Tier


def test_the_known_ones_have_their_words() -> None:
    assert model_info("qwen2.5-coder:14b") == {
        "name": "Qwen 2.5 Coder 14B",
        "speed": "Medium",
        "capability": "High",
        "use_case": "Complex analysis",
    }


def test_others_are_described_by_what_they_serve() -> None:
    assert model_info("tiny:latest", (Tier.SIMPLE, Tier.MEDIUM)) == {
        "name": "tiny:latest",
        "speed": "Fastest",
        "capability": "Basic",
        "use_case": "Simple questions",
    }
    assert model_info("tiny:latest")["speed"] == "Unknown"
