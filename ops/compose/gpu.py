"""Whether models run on a GPU: what the host has, or what somebody asked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Wish = Literal["auto", "gpu", "cpu"]
_DEVICES = ("dev/nvidia[0-9]*", "dev/dxg")  # the second: Windows' subsystem for Linux
_TOOLKIT = "install the NVIDIA Container Toolkit, then `nvidia-ctk runtime configure --runtime=docker`"


@dataclass(frozen=True)
class Choice:
    """What was chosen, and a sentence for the user."""

    gpu: bool
    because: str


def choose(wish: Wish, info: Mapping[str, Any], host: Path = Path("/")) -> Choice:
    """`info` is the engine's own; `host` is where its devices are looked for."""
    device = next((str(path) for pattern in _DEVICES for path in sorted(host.glob(pattern))), "")
    runs = _engine_can(info)
    if wish == "cpu":
        return Choice(False, "models run on the processor, as asked for")
    if wish == "gpu":
        doubt = "" if device and runs else f"; if that fails: {_TOOLKIT}"
        return Choice(True, f"models run on the GPU, as asked for{doubt}")
    if device and runs:
        return Choice(True, f"models run on the GPU: {device} is there and Docker can pass it on")
    if device:
        why = f"{device} is there, but Docker cannot pass it on: {_TOOLKIT}"
    else:
        why = "no NVIDIA device is there" + (", though Docker could pass one on" if runs else "")
    return Choice(False, f"models run on the processor: {why}")


def _engine_can(info: Mapping[str, Any]) -> bool:
    """By the runtime that the toolkit adds, or by devices that it described to newer engines."""
    described = (str(one.get("ID", "")) for one in info.get("DiscoveredDevices") or ())
    return "nvidia" in (info.get("Runtimes") or {}) or any(one.startswith("nvidia.com/") for one in described)
