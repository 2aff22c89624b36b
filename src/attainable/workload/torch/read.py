"""Reads an exported program of PyTorch (``.pt2``) into a Workload, without PyTorch."""

from pathlib import Path

from attainable.errors import ModelGraphError
from attainable.workload.file import open_model_file
from attainable.workload.graph import Provenance, Role, Tensor, Workload, captured_names
from attainable.workload.shapes import Bindings
from attainable.workload.torch.archive import StoredProgram, read_archive
from attainable.workload.torch.bind import Binding, bind_symbols
from attainable.workload.torch.graph import OPSET, ProgramConverter, dimensions_of
from attainable.workload.torch.schema import InputSpecification

TRAINING_NOTE = "the program was exported in training mode; call model.eval() before exporting for inference"

_ZIP = b"PK\x03\x04"


def read_torch(path: Path, *, shapes: Bindings, batch: int | None) -> Workload:
    """Read an exported program; neither weights nor example inputs are read, and nothing is unpickled.

    Args:
        path: the ``.pt2`` file that ``torch.export.save`` wrote.
        shapes: numbers for symbols of dynamic dimensions, shapes for inputs.
        batch: number for the batch dimension, or None.

    Raises:
        ModelFileError: the file is no exported program: a checkpoint, a TorchScript archive, a broken zip.
        ModelGraphError: the graph is broken.
        UnboundDimensions, InvalidQuantity: a dimension has no number, or a wrong one.
    """
    with open_model_file(path, allow=_ZIP) as file:
        stored = read_archive(path)
        source = Provenance(
            str(path), file.sha256(), "torch", OPSET, file.bytes, 0, f"torch {stored.program.torch_version}"
        )
    return workload_of(stored, path.stem, source, shapes=shapes, batch=batch)


def workload_of(
    stored: StoredProgram, name: str, source: Provenance, *, shapes: Bindings, batch: int | None
) -> Workload:
    """Make the records of a program.

    Args:
        stored: the program and which weights are one.
        name: of the network, for titles.
        source: where it came from.
        shapes: numbers for symbols of dynamic dimensions, shapes for inputs.
        batch: number for the batch dimension, or None.

    Raises:
        ModelGraphError: the graph is broken.
        UnboundDimensions, InvalidQuantity: a dimension has no number, or a wrong one.
    """
    module = stored.program.graph_module
    graph, where = module.graph, source.path
    input_names = [given for entry in module.signature.input_specs if (given := _user_input(entry))]
    binding = bind_symbols({name: dimensions_of(graph, name) for name in input_names}, shapes, batch=batch, where=where)
    converter = ProgramConverter(binding.numbers, where)
    known: dict[str, Tensor] = {}
    weights: dict[str, Tensor] = {}
    for entry in module.signature.input_specs:
        constant = _constant(entry)
        if constant is None:
            continue
        argument, qualified, role = constant
        first = stored.twins.get(qualified, qualified)
        tensor = weights.get(first) or converter.constant(graph, argument, role)
        if tensor is None:
            raise ModelGraphError("a weight has no shape", where=argument, help="export the model again")
        known[argument] = weights[first] = tensor
    inputs = tuple(tensor for name in input_names if (tensor := converter.tensor(graph, name)))
    known.update((tensor.name, tensor) for tensor in inputs)
    converter.raise_faults()
    ops = converter.ops(graph, known)
    outputs = _outputs(stored, known)
    used = {tensor.name for op in ops for tensor in op.present_inputs} | {tensor.name for tensor in outputs}
    used |= {name for op in ops for name in captured_names(op)}
    return Workload(
        name=name,
        ops=ops,
        inputs=inputs,
        outputs=outputs,
        constants=(*(tensor for tensor in weights.values() if tensor.name in used), *converter.constants),
        bindings=binding.pairs,
        provenance=source,
        notes=_notes(binding, converter),
    )


def _notes(binding: Binding, converter: ProgramConverter) -> tuple[str, ...]:
    return (*binding.notes, *([TRAINING_NOTE] if converter.training else []))


def _user_input(entry: InputSpecification) -> str:
    """The name of an argument of ``forward`` that is a tensor; empty for anything else."""
    argument = entry.user_input.arg if entry.user_input is not None else None
    return argument.as_tensor.name if argument is not None and argument.as_tensor is not None else ""


def _constant(entry: InputSpecification) -> tuple[str, str, Role] | None:
    """The name in the graph and in the module of a parameter, a buffer or a stored tensor."""
    if entry.parameter is not None:
        return entry.parameter.arg.name, entry.parameter.parameter_name, "parameter"
    if entry.buffer is not None:
        return entry.buffer.arg.name, entry.buffer.buffer_name, "buffer"
    if entry.tensor_constant is not None:
        return entry.tensor_constant.arg.name, entry.tensor_constant.tensor_constant_name, "buffer"
    return None


def _outputs(stored: StoredProgram, known: dict[str, Tensor]) -> tuple[Tensor, ...]:
    """What ``forward`` returns, tensors only.

    Raises:
        ModelGraphError: nothing makes an output.
    """
    module = stored.program.graph_module
    found: list[Tensor] = []
    for entry in module.signature.output_specs:
        argument = entry.user_output.arg if entry.user_output is not None else None
        if argument is None or argument.as_tensor is None:
            continue
        name = argument.as_tensor.name
        if name not in known:
            raise ModelGraphError(f"output {name!r} is made by nothing", where="graph", help="export the model again")
        found.append(known[name])
    return tuple(found)
