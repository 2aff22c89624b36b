"""The child's side of PyTorch, as far as it can be looked at without PyTorch, and what it needs a compiler for."""

import importlib.util
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from attainable.errors import RuntimeRefused
from attainable.measurement.inputs import make_inputs
from attainable.runtimes.process import SESSIONS
from attainable.runtimes.torch.compile import RUNTIME
from attainable.testing.conformance import why_not_installed
from tests.runtimes.nets import Net, image


def part(name: str) -> ModuleType:
    specification = importlib.util.spec_from_file_location(f"{name}_under_test", SESSIONS / f"{name}.py")
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


WRITTEN = """
class Runner:
    def call(self, args):
        arg0, = args
        args.clear()
        assert_size_stride(arg0, (1, 3), (3, 1), 'input')
        buf0 = empty_strided_cpu((1, 3), (3, 1), float)
        # [Provenance debug handles] cpp_fused_relu_0:1
        cpp_fused_relu_0(arg0, buf0)
        del arg0
        # Topologically Sorted Source Nodes: [mm], Original ATen: [aten.mm]
        # [Provenance debug handles] torch.ops.mkl._mkl_linear.default:2
        buf1 = torch.ops.mkl._mkl_linear.default(buf0, weight)
        buf2 = buf1
        assert_size_stride(buf2, (1, 3), (3, 1), 'mkl')
        extern_kernels.bmm(buf2, weight, out=buf0)
        return (buf2, )
"""
"""The form of what inductor writes, with a kernel of its own, a library's, and one that it says nothing of."""


@pytest.fixture(scope="module")
def compiled() -> ModuleType:
    return part("torch_compiled")


@pytest.fixture(scope="module")
def program() -> Any:
    return part("torch_program")


def test_results_that_a_node_leaves_out_are_dropped_from_one_call(program: Any) -> None:
    calls: list[str] = []

    def several(x: str) -> tuple[int, int, int]:
        calls.append(x)
        return (1, 2, 3)

    assert program._present(several, ["a", "", "c"])("x") == (1, 3)
    assert calls == ["x"]
    assert program._present(str.upper, ["a", "", ""])("x") == "X"
    with pytest.raises(ValueError, match="only the first"):
        program._present(str.upper, ["", "b"])("x")


def test_what_only_the_translation_needs_is_forgotten(program: Any) -> None:
    made: Any = object.__new__(program.Program)
    made._constants, made._operands, made._tensors, made._modules = {"y": "elements"}, {"w": 1}, {"x": None}, []
    made.inputs, made.output_types = {"x": 0}, {"y": "float32"}

    def network(*given: object) -> object:
        return given

    made._network = network
    assert made.network() == ([], [], ["elements"], 1)
    assert [made._constants, made._operands, made._tensors] == [{}, {}, {}]


def test_the_calls_of_kernels_are_found_with_what_they_give(compiled: ModuleType) -> None:
    _, calls = compiled._clocked(WRITTEN)  # pyright: ignore[reportPrivateUsage]
    assert calls == [
        ("cpp_fused_relu_0:1", "cpp_fused_relu_0", "buf0"),
        ("torch.ops.mkl._mkl_linear.default:2", "torch.ops.mkl._mkl_linear.default", "buf2"),
        ("", "extern_kernels.bmm", "buf0"),
    ]


def test_the_clock_is_read_after_each_kernel_and_nothing_else_changes(compiled: ModuleType) -> None:
    happened: list[str] = []

    def kernel(name: str) -> Any:
        def run(*given: object, **named: object) -> str:
            happened.append(name)
            return name

        return run

    linear = SimpleNamespace(default=kernel("linear"))
    namespace: dict[str, Any] = {
        "assert_size_stride": kernel("assert"), "empty_strided_cpu": kernel("allocate"), "weight": None,
        "cpp_fused_relu_0": kernel("relu"), "extern_kernels": SimpleNamespace(bmm=kernel("bmm")),
        "torch": SimpleNamespace(ops=SimpleNamespace(mkl=SimpleNamespace(_mkl_linear=linear))),
        "_attainable_note": happened.append, "_attainable_now": lambda: f"at {len(happened)}",
    }  # fmt: skip
    exec(WRITTEN, namespace)  # noqa: S102
    function: Any = namespace["Runner"].call
    plain = function(None, ["x"])
    without = happened.copy()
    happened.clear()
    function.__code__, _ = compiled._clocked(WRITTEN)  # pyright: ignore[reportPrivateUsage]
    assert function(None, ["x"]) == plain == ("linear",)
    assert [each for each in happened if not each.startswith("at ")] == without
    assert happened == [
        "at 0", "assert", "allocate", "relu", "at 4", "linear", "at 6", "assert", "bmm", "at 9"
    ]  # fmt: skip


def node(target: object, *sources: SimpleNamespace, module: str = "") -> SimpleNamespace:
    """A node of inductor's graph, as far as it is looked at."""
    made = SimpleNamespace(target=target, users=[], all_input_nodes=list(sources), meta={})
    if module:
        made.meta["nn_module_stack"] = {"": ("", "Network"), "key": (module, "Step")}
    for source in sources:
        source.users.append(made)
    return made


def test_a_step_gives_what_others_read_of_it_as_it_is_or_in_another_shape(compiled: ModuleType) -> None:
    view = SimpleNamespace(is_view=True)
    flat = node(view, node("input"), module="L['self'].steps.3")
    product = node("mm", flat, module="L['self'].steps.3")
    shaped = node("aten._unsafe_view.default", product, module="L['self'].steps.3")
    total = node("add", shaped, module="L['self'].steps._modules['4']")
    copy = node("clone", total)
    node("output", copy)
    traced = [tuple(compiled._traced(each)) for each in (flat, product, total, copy)]  # pyright: ignore[reportPrivateUsage]
    # Inputs in another shape are no result; a copy that inductor added gives again what step 4 gives.
    assert traced == [(3, False, -1), (3, True, -1), (4, True, -1), (-1, False, 4)]


def test_without_a_compiler_torch_compile_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if reason := why_not_installed(RUNTIME):
        pytest.skip(reason)
    net = Net()
    workload = net.load(tmp_path, [image()], net.op("Relu", "x"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeRefused, match=r"needs a C\+\+ compiler.*install g\+\+ or clang\+\+"):
        RUNTIME.open(workload, make_inputs(workload).arrays, threads=1, deadline_seconds=60)
