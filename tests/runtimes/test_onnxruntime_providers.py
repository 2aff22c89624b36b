"""Providers of onnxruntime: who computes is checked, and no run is somebody else's. No GPU takes part here."""

import importlib.util
import os
import types
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto

from attainable.errors import RuntimeRefused
from attainable.measurement.inputs import make_inputs
from attainable.runtimes import Execution, runtime
from attainable.runtimes.onnxruntime import RUNTIME, Onnxruntime
from attainable.runtimes.onnxruntime.providers import CPU, CUDA, TENSORRT, Provider, profile_warnings
from attainable.runtimes.process import SESSIONS
from attainable.workload import Workload
from attainable.workload.kernel import Kernel
from tests.runtimes.nets import Net, image

GPU_RUNTIMES = ("onnxruntime-cuda", "onnxruntime-tensorrt")


def convolution(folder: Path) -> Workload:
    net = Net()
    return net.load(folder, [image()], net.op("Softmax", net.op("Relu", net.conv("x", 3, 16))))


def refusal(tried: Onnxruntime, workload: Workload) -> RuntimeRefused:
    with pytest.raises(RuntimeRefused) as caught:
        tried.open(workload, make_inputs(workload).arrays, threads=1, deadline_seconds=60)
    return caught.value


def session_file() -> types.ModuleType:
    spec = importlib.util.spec_from_file_location("onnxruntime_session", SESSIONS / "onnxruntime_session.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Silent:
    """An onnxruntime that goes on without the provider that it was asked for, as the real one does."""

    __file__ = "nowhere/__init__.py"

    def __init__(self, *, error: str = "") -> None:
        self.error = error

    def get_available_providers(self) -> list[str]:
        return ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]

    def InferenceSession(self, *arguments: object, **settings: object) -> "Silent":  # noqa: N802
        assert settings["enable_fallback"] == 0
        if self.error:
            raise RuntimeError(self.error)
        return self

    def get_providers(self) -> list[str]:
        return ["CPUExecutionProvider"]


def loaded(onnxruntime: Silent, provider: Provider) -> None:
    module = session_file()
    session: Any = object.__new__(module.OnnxruntimeSession)
    session._onnxruntime = onnxruntime  # pyright: ignore[reportPrivateUsage]
    session._arguments = provider.arguments  # pyright: ignore[reportPrivateUsage]
    session._load("model.onnx", None)  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize("name", GPU_RUNTIMES)
def test_gpu_runtimes_are_not_the_processors(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTAINABLE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("ATTAINABLE_CONFIG", str(tmp_path / "config"))
    found = runtime(name)
    assert isinstance(found, Onnxruntime)
    assert found.name == name
    # the package of the processor has the same module and is another one
    assert found.requirement.distribution == "onnxruntime-gpu"
    error = refusal(found, convolution(tmp_path))
    assert error.what == f"{name} is not installed"
    assert error.help == f"attainable runtimes install {name}"


@pytest.mark.parametrize("provider", [CUDA, TENSORRT])
def test_a_build_without_the_provider_is_refused(provider: Provider, tmp_path: Path) -> None:
    error = refusal(Onnxruntime(provider=provider), convolution(tmp_path))
    assert f"this onnxruntime has no {provider.name}, only " in error.what
    assert "CPUExecutionProvider" in error.what


def test_a_session_that_would_run_elsewhere_is_refused_with_the_reason() -> None:
    with pytest.raises(RuntimeError, match=r"CUDAExecutionProvider cannot be loaded: .*libonnxruntime_providers_shared"
                                           r".*; CPUExecutionProvider would run instead"):  # fmt: skip
        loaded(Silent(), CUDA)
    with pytest.raises(RuntimeError, match=r"TensorrtExecutionProvider cannot be loaded: .*providers_shared"):
        loaded(Silent(error="Please install TensorRT"), TENSORRT)
    # what a provider says when its library is there
    with pytest.raises(RuntimeError, match="no CUDA-capable device"):
        loaded(Silent(error="no CUDA-capable device is detected"), Provider("CPUExecutionProvider"))


@pytest.mark.skipif(not os.environ.get("ATTAINABLE_ONNXRUNTIME_GPU"), reason="names a Python with onnxruntime-gpu")
@pytest.mark.parametrize("provider", [CUDA, TENSORRT])
def test_onnxruntime_gpu_without_a_gpu_is_refused(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.toml").write_text(
        f'[runtimes.onnxruntime-cuda]\npython = "{os.environ["ATTAINABLE_ONNXRUNTIME_GPU"]}"\n'
    )
    monkeypatch.setenv("ATTAINABLE_CONFIG", str(tmp_path))
    error = refusal(Onnxruntime(name="onnxruntime-cuda", provider=provider), convolution(tmp_path))
    assert f"{provider.name} cannot be loaded: " in error.what
    assert "not installed (lib" in error.what


def test_single_precision_is_no_tf32() -> None:
    for provider in (CUDA, TENSORRT):
        names = [name for name, _ in provider.arguments["providers"]]  # type: ignore[attr-defined]
        assert names[-1] == "CPUExecutionProvider"
        assert dict(provider.arguments["providers"])["CUDAExecutionProvider"]["use_tf32"] == "0"  # type: ignore[call-overload]
    assert CPU.arguments == {"providers": [["CPUExecutionProvider", {}]], "device": "cpu"}


def test_libraries_are_found_in_their_packages_and_tf32_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "1")
    found: list[str] = []
    onnxruntime = types.SimpleNamespace(preload_dlls=lambda: found.append("preloaded"))
    session_file()._prepare_cuda(onnxruntime)
    assert (found, os.environ["NVIDIA_TF32_OVERRIDE"]) == (["preloaded"], "0")


def test_the_profile_names_who_ran_each_kernel(tmp_path: Path) -> None:
    workload = convolution(tmp_path)
    with RUNTIME.open(workload, make_inputs(workload).arrays, threads=1, deadline_seconds=60) as session:
        profile = session.profile(runs=2, deadline_seconds=60)
    assert {each.implementation for each in profile.executions} == {"CPUExecutionProvider"}
    assert profile.warnings == ()


def test_a_provider_that_compiles_saves_no_graph(tmp_path: Path) -> None:
    workload = convolution(tmp_path)
    compiling = Onnxruntime(provider=replace(CPU, compiles=True))
    with compiling.open(workload, make_inputs(workload).arrays, threads=1, deadline_seconds=60) as session:
        profile = session.profile(runs=2, deadline_seconds=60)
    assert profile.kernels
    assert {kernel.attribution for kernel in profile.kernels} == {"none"}
    assert len(profile.executions) == len(profile.kernels)
    assert "which are not traced" in profile.warnings[0]


@pytest.mark.parametrize("sized", [True, False])
def test_outputs_are_bound_on_the_device_and_waited_for(tmp_path: Path, *, sized: bool) -> None:
    """With the processor in place of a GPU: ``cpu:0`` is a device like any other for the binding."""
    net = Net()
    found = net.op("Relu", net.conv("x", 3, 16))
    last = found if sized else net.op("Cast", net.op("NonZero", found), attributes={"to": TensorProto.FLOAT})
    workload = net.load(tmp_path, [image()], last)
    inputs = make_inputs(workload).arrays
    module = session_file()
    done: list[str] = []

    class Watched:
        """A binding that says what is done with it."""

        def __init__(self, binding: Any) -> None:
            self.binding = binding

        def bind_ortvalue_input(self, name: str, value: object) -> None:
            done.append("input")
            self.binding.bind_ortvalue_input(name, value)

        def bind_output(self, name: str, device: str) -> None:
            assert device == "cuda"
            done.append("output")
            self.binding.bind_output(name, "cpu")

        def synchronize_inputs(self) -> None:
            done.append("inputs there")
            self.binding.synchronize_inputs()

        def synchronize_outputs(self) -> None:
            done.append("outputs there")
            self.binding.synchronize_outputs()

    class Session:
        """A session whose bindings are watched."""

        def __init__(self, session: Any) -> None:
            self.session = session

        def __getattr__(self, name: str) -> Any:
            return getattr(self.session, name)

        def io_binding(self) -> Watched:
            return Watched(self.session.io_binding())

        def run_with_iobinding(self, binding: Watched) -> None:
            done.append("run")
            self.session.run_with_iobinding(binding.binding)

    import onnxruntime

    arguments: dict[str, object] = {
        "model": workload.provenance.path,
        "threads": 1,
        "dimensions": {},
        **CPU.arguments,
        "device": "cpu",
    }
    session, _ = module.open_session(arguments)
    session._arguments["device"] = "cuda"
    feeds = {"x": onnxruntime.OrtValue.ortvalue_from_numpy(inputs["x"].astype(np.float32))}
    call = session._bound(Session(session.session), feeds)
    call()
    call()
    once = ["run", "outputs there"] if sized else ["output", "run", "outputs there"]
    assert done == ["input", "output", "inputs there", *once, *once]


def test_what_ran_elsewhere_is_counted() -> None:
    kernels = [Kernel("a", "Conv", 3e-6, (), "none"), Kernel("b", "NonZero", 1e-6, (), "none")]
    executions = [
        Execution(implementation="CUDAExecutionProvider"), Execution(implementation="CPUExecutionProvider"),
    ]  # fmt: skip
    elsewhere, times = profile_warnings(CUDA, kernels, executions)
    # 1 of 4 us
    assert elsewhere == (
        "1 of 2 kernels ran on CPUExecutionProvider and not on CUDAExecutionProvider: 25 % of the kernels' time"
    )
    assert "those of starting them" in times
