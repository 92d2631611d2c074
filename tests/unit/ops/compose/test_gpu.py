from pathlib import Path
from typing import Any

import pytest

from ops.compose.gpu import choose

_RUNTIME: dict[str, Any] = {"Runtimes": {"runc": {}, "nvidia": {}}}
_DESCRIBED: dict[str, Any] = {
    "Runtimes": {"runc": {}},
    "DiscoveredDevices": [{"Source": "cdi", "ID": "nvidia.com/gpu=0"}],
}
_NEITHER: dict[str, Any] = {"Runtimes": {"runc": {}}, "DiscoveredDevices": None}


def _host(folder: Path, *devices: str) -> Path:
    (folder / "dev").mkdir()
    for device in devices:
        (folder / "dev" / device).touch()
    return folder


@pytest.mark.parametrize("info", [_RUNTIME, _DESCRIBED])
@pytest.mark.parametrize("device", ["nvidia0", "dxg"])
def test_a_device_that_docker_can_pass_on_is_used(tmp_path: Path, info: dict[str, Any], device: str) -> None:
    choice = choose("auto", info, _host(tmp_path, device))
    assert choice.gpu
    assert device in choice.because


def test_a_device_that_docker_cannot_pass_on_is_told_with_what_to_install(tmp_path: Path) -> None:
    choice = choose("auto", _NEITHER, _host(tmp_path, "nvidia0", "nvidiactl"))
    assert not choice.gpu
    assert "NVIDIA Container Toolkit" in choice.because


@pytest.mark.parametrize("devices", [(), ("nvidiactl",)])
def test_no_device_means_the_processor(tmp_path: Path, devices: tuple[str, ...]) -> None:
    choice = choose("auto", _RUNTIME, _host(tmp_path, *devices))
    assert not choice.gpu
    assert "no NVIDIA device" in choice.because


def test_the_processor_can_be_asked_for(tmp_path: Path) -> None:
    choice = choose("cpu", _RUNTIME, _host(tmp_path, "nvidia0"))
    assert not choice.gpu
    assert "as asked for" in choice.because


def test_a_gpu_that_is_not_seen_can_be_asked_for_with_a_doubt(tmp_path: Path) -> None:
    host = _host(tmp_path)
    choice = choose("gpu", _NEITHER, host)
    assert choice.gpu
    assert "if that fails" in choice.because
    (host / "dev" / "nvidia0").touch()
    assert "if that fails" not in choose("gpu", _RUNTIME, host).because
