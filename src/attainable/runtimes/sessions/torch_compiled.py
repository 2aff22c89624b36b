"""torch.compile with inductor, and the profile of what it made; loaded in the worker by ``torch_session``.

Inductor writes a function in Python that calls one kernel after the other: its own in C++, and routines of libraries.
While it is profiled, the clock is read where that function begins and after each call in it. Above each call inductor
notes a number, by which it tells the nodes of its graph that the kernel computes, and each of these carries the module
of ours that it was traced from.

Source: torch 2.13, torch/_inductor/debug.py (provenance tracking), graph.py, codecache.py and the code that it writes.
"""

import ast
import contextlib
import importlib
import itertools
import operator
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Generator
from typing import Any, NamedTuple, Self, cast

_COMPILERS = {"darwin": ("clang++", "g++"), "win32": ("cl",)}
_STEP = re.compile(r"\bsteps\b\D*(\d+)")
_HANDLE = re.compile(r"\s*# \[Provenance debug handles\] (\S+)$")
_OWN_CODE = "cpp_fused"
_NO_KERNELS = ("assert_", "empty_strided_", "reinterpret_tensor", "alloc_from_pool", "args.", "run_intermediate_hooks")
_INPUTS = "inputs"
"""The parameter of ``Network.forward``."""
_NOTE, _NOW = "_attainable_note", "_attainable_now"
_LAYOUTS = {4: ("NCHW", "NHWC"), 5: ("NCDHW", "NDHWC")}


class _Traced(NamedTuple):
    """Where a node of inductor's graph comes from.

    Attributes:
        step: of the program; -1 for none.
        is_result: whether it is what the step gives, not something in between.
        moved: where inductor added the node, the step whose result it gives in another layout; else -1.
    """

    step: int
    is_result: bool
    moved: int


class Compilation:
    """A network compiled for its inputs.

    Attributes:
        run: the compiled network.
        module: what inductor wrote, as a module of Python.
        kernels: for each kernel by inductor's number the nodes of its graph that it computes.
        nodes: for each node of the graph what it is traced from.
        position: of each node in the graph.
        buffers: layout of each tensor between kernels.
    """

    def __init__(self, torch: Any, network: Any, program: Any) -> None:
        """Compile, and run once.

        Raises:
            RuntimeError: there is no C++ compiler, or inductor cannot compile the network.
        """
        compiler = _compiler()
        self.kernels: dict[str, list[str]] = {}
        self.nodes: dict[str, _Traced] = {}
        self.position: dict[str, int] = {}
        self.buffers: dict[str, str] = {}
        inputs = list(program.inputs.values())
        cache = importlib.import_module("torch._inductor.codecache").PyCodeCache
        # What is compiled here is what runs: inputs of another shape or kind are an error.
        settings: Any = importlib.import_module("torch._dynamo.config")
        settings.error_on_recompile = True
        with _settings(compiler), self._watched(), torch.inference_mode():
            self.run = torch.compile(network, fullgraph=True, dynamic=False, options={"guard_filter_fn": _on_inputs})
            self.run(*inputs)
        written = [module for module in cache.modules if hasattr(module, "Runner")]
        self.module = written[-1] if written else None

    @contextlib.contextmanager
    def _watched(self) -> Generator[None]:
        """Keep what inductor knows of its graph when it has written its code."""
        lowering = importlib.import_module("torch._inductor.graph").GraphLowering
        debug: Any = importlib.import_module("torch._inductor.debug")
        own_code: Any = importlib.import_module("torch._inductor.codegen.cpp")
        write, number = lowering.codegen, debug.set_kernel_post_grad_provenance_tracing

        def codegen(graph: Any) -> Any:
            code = write(graph)
            self.nodes.update({node.name: _traced(node) for node in graph.graph.nodes})
            self.position.update({node.name: at for at, node in enumerate(graph.graph.nodes)})
            self.buffers.update({name: _layout_of(buffer) for name, buffer in graph.name_to_buffer.items()})
            return code

        def numbered(computed: Any, name: str, *others: Any, **settings: Any) -> Any:
            handle = number(computed, name, *others, **settings)
            listed = cast("list[Any]", computed) if isinstance(computed, list) else []
            parts: list[Any] = [part.node for part in listed if hasattr(part, "node")] or [computed]
            # Not the ``origin_node`` that inductor prefers: it is another's where a result was computed in place.
            origins = [origin for part in parts if hasattr(part, "get_origins") for origin in part.get_origins()]
            # What is only looked at in another shape is computed elsewhere.
            computing = [origin for origin in origins if not _is_view(origin)]
            self.kernels[f"{name}:{handle}"] = [origin.name for origin in computing or origins]
            return handle

        lowering.codegen = codegen
        debug.set_kernel_post_grad_provenance_tracing = numbered
        own_code.set_kernel_post_grad_provenance_tracing = numbered
        try:
            yield
        finally:
            lowering.codegen = write
            debug.set_kernel_post_grad_provenance_tracing = number
            own_code.set_kernel_post_grad_provenance_tracing = number


class Clocked:
    """A compiled network whose calls of kernels can be timed.

    Attributes:
        readings: in nanoseconds, one more than kernels for each run.
        run: the compiled network.
    """

    def __init__(self, torch: Any, compilation: Compilation) -> None:
        del torch
        self._compilation = compilation
        self.run = compilation.run
        self.readings: list[int] = []
        module = compilation.module
        if module is None:
            raise RuntimeError("torch.compile wrote no code that runs kernels")
        self._function = module.Runner.call
        with open(module.__file__, encoding="utf-8") as file:  # noqa: PTH123  (no pathlib here)
            text = file.read()
        self._plain, (self._clocked, self._calls) = self._function.__code__, _clocked(text)
        setattr(module, _NOTE, self.readings.append)
        setattr(module, _NOW, time.perf_counter_ns)

    def describe(self, call: Callable[[], object]) -> list[dict[str, Any]]:
        """Each kernel: its ``name``, the ``steps`` that it computes parts of, and those whose ``results`` it gives.

        A kernel that computes nothing brings elements into the layout that other kernels read; it ``serves`` steps.
        """
        del call
        made = self._compilation
        nodes = [[name for name in made.kernels.get(handle, ()) if name in made.nodes] for handle, _, _ in self._calls]
        libraries = [not called.startswith(_OWN_CODE) for _, called, _ in self._calls]
        # A routine of a library computes one node. Inductor also names those that it reads through a view.
        last = {
            at: max(names, key=made.position.__getitem__) for at, names in enumerate(nodes) if libraries[at] and names
        }
        elsewhere = set(last.values())
        described: list[dict[str, Any]] = []
        for at, (_, called, buffer) in enumerate(self._calls):
            named = [last[at]] if at in last else [name for name in nodes[at] if name not in elsewhere]
            traced = [made.nodes[name] for name in named]
            steps = sorted({node.step for node in traced if node.step >= 0})
            served = [made.nodes[name] for name in nodes[at]] if not steps else []
            described.append(
                {
                    "name": called,
                    "steps": steps,
                    "results": sorted({node.step for node in traced if node.is_result}),
                    "serves": sorted({max(node.step, node.moved) for node in served} - {-1}),
                    "layout": made.buffers.get(buffer, ""),
                }
            )
        return described

    def present(self) -> list[int]:
        """The steps of which inductor's graph still has something; the others were folded into these."""
        return sorted({node.step for node in self._compilation.nodes.values() if node.step >= 0})

    def __enter__(self) -> Self:
        self._function.__code__ = self._clocked
        return self

    def __exit__(self, *_: object) -> None:
        self._function.__code__ = self._plain


def _clocked(text: str) -> tuple[Any, list[tuple[str, str, str]]]:
    """The code of inductor's function with readings of the clock, and its calls: number, name, tensor that it gives."""
    lines = text.splitlines()
    tree = ast.parse(text)
    runner = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Runner")
    function = next(node for node in runner.body if isinstance(node, ast.FunctionDef) and node.name == "call")
    reading = ast.parse(f"{_NOTE}({_NOW}())").body
    calls: list[tuple[str, str, str]] = []
    body: list[ast.stmt] = [*reading]
    for statement, after in itertools.zip_longest(function.body, function.body[1:]):
        called = _called(statement)
        if called is None:
            body.append(statement)
            continue
        found = _HANDLE.match(lines[statement.lineno - 2])
        calls.append(("" if found is None else found[1], called, _given(statement, after)))
        body += [statement, *reading]
    function.body = body
    module = ast.fix_missing_locations(ast.Module(body=[function], type_ignores=[]))
    namespace: dict[str, Any] = {}
    exec(compile(module, "<clocked>", "exec"), namespace)  # noqa: S102  (what inductor wrote and runs, with a clock)
    return namespace["call"].__code__, calls


def _called(statement: ast.stmt) -> str | None:
    """The kernel that a statement calls; None where it calls none."""
    if not isinstance(statement, ast.Expr | ast.Assign) or not isinstance(statement.value, ast.Call):
        return None
    name = ast.unparse(statement.value.func)
    return None if name.startswith(_NO_KERNELS) else name


def _given(statement: ast.stmt, after: ast.stmt | None) -> str:
    """The name of the tensor that a call gives: what is assigned, or its last argument that inductor made."""
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
        name = statement.targets[0].id
        if isinstance(after, ast.Assign) and ast.unparse(after.value) in (name, f"{name}[0]"):
            return ast.unparse(after.targets[0])
        return name
    names = [node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and node.id.startswith("buf")]
    return names[-1] if names else ""


def _step_of(node: Any) -> int:
    """The step that a node of inductor's graph was traced from; -1 where it does not tell."""
    stack: dict[str, tuple[str, object]] = node.meta.get("nn_module_stack") or {}
    for where, _ in reversed(stack.values()):
        found = _STEP.search(str(where))
        if found is not None:
            return int(found[1])
    return -1


def _traced(node: Any) -> _Traced:
    step = _step_of(node)
    if step >= 0:
        return _Traced(step, any(_step_of(user) != step for user in _readers(node)), -1)
    source = node
    while _step_of(source) < 0 and source.all_input_nodes:
        source = source.all_input_nodes[0]
    return _Traced(-1, False, _step_of(source))


def _readers(node: Any) -> list[Any]:
    """What reads a node, or something of it that the same step gives as it is: one of its tensors, another shape."""
    step, readers, pending = _step_of(node), list[Any](), [node]
    while pending:
        for user in pending.pop().users:
            (pending if _is_view(user) and _step_of(user) == step else readers).append(user)
    return readers


def _is_view(node: Any) -> bool:
    name = str(node.target)
    return node.target is operator.getitem or getattr(node.target, "is_view", False) or "_unsafe_view" in name


def _layout_of(buffer: Any) -> str:
    layout = getattr(buffer, "layout", None)
    size, stride = getattr(layout, "size", None), getattr(layout, "stride", None)
    names = _LAYOUTS.get(len(size or ()))
    if names is None or not stride:
        return ""
    order = sorted(range(len(stride)), key=lambda axis: (-int(stride[axis]), axis))
    last = [0, *range(2, len(stride)), 1]
    return names[0] if order == sorted(order) else names[1] if order == last else ""


@contextlib.contextmanager
def _settings(compiler: str) -> Generator[None]:
    """Frozen weights, one process, nothing from earlier or other processes, and the provenance of kernels."""
    config = importlib.import_module("torch._inductor.config")
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = os.path.abspath("inductor")  # noqa: PTH100
    settings = {
        "freezing": True,
        "compile_threads": 1,
        "cpp.cxx": (None, compiler),
        # What vectors the processor has is known; else a program is compiled to try them.
        "cpp.vec_isa_ok": True,
        "fx_graph_cache": False,
        "fx_graph_remote_cache": False,
        "autotune_local_cache": False,
        "autotune_remote_cache": False,
        "trace.provenance_tracking_level": 2,
    }
    with config.patch(settings):
        yield


def _on_inputs(guards: Any) -> list[bool]:
    """Which guards to keep: those on what the network is given.

    torch.compile looks before each run whether all that it saw of a module is still the same. A module for each node
    has far more to look at than those that people write, and it is ours: nothing changes it.
    """
    return [not guard.name or guard.name.startswith(_INPUTS) for guard in guards]


def _compiler() -> str:
    """The C++ compiler that inductor is told to take. Raises RuntimeError where there is none."""
    found = next((name for name in _COMPILERS.get(sys.platform, ("g++", "clang++")) if shutil.which(name)), None)
    if found is None:
        raise RuntimeError(
            "torch.compile needs a C++ compiler, and there is none in PATH: install g++ or clang++, "
            "or use the runtime torch, which compiles nothing"
        )
    return found
