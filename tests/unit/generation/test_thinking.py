"""What is sent as `think`."""

import pytest

from service.generation.thinking import think_of
from service.routing.port import ModelState

CAN = frozenset({"completion", "thinking"})


@pytest.mark.parametrize(
    ("name", "capabilities", "wanted", "sent"),
    [
        ("llama3.2:3b", frozenset({"completion"}), True, None),
        ("llama3.2:3b", frozenset(), True, None),
        ("qwen3:8b", CAN, True, True),
        ("qwen3:8b", CAN, False, False),
        ("gpt-oss:20b", CAN, True, "medium"),
        ("gpt-oss:20b", CAN, False, "low"),
        ("me/gpt-oss:20b", CAN, False, "low"),
        ("gpt-oss:20b", frozenset({"completion"}), True, None),
    ],
)
def test_only_what_the_model_understands(name: str, capabilities: frozenset[str], wanted: bool, sent: object) -> None:
    assert think_of(ModelState(name, capabilities=capabilities), wanted=wanted) == sent
