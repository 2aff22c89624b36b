"""How the numbers were made: conventions, conditions, sources, versions."""

from dataclasses import dataclass

from attainable.analysis.records import Analysis, DeviceRow, Port
from attainable.names import short_name, short_pairs, short_sentence
from attainable.quantities import format_bytes, format_bytes_per_second, format_operations_per_second
from attainable.report.messages import say, say_count
from attainable.report.views.machine import device_title
from attainable.report.views.run_facts import run_facts

_MOST_PORTS = 20


@dataclass(frozen=True, slots=True)
class Facts:
    """A headed list of terms with their descriptions."""

    title: str
    rows: tuple[tuple[str, str], ...]


def method(analysis: Analysis) -> tuple[Facts, ...]:
    """All lists of facts that have a row: kinds of numbers, model, conventions, roofs, conditions, environment."""
    lists = [
        Facts(
            say("method.numbers"),
            tuple(
                (say(f"kind.{kind}"), say(f"method.kind.{kind}"))
                for kind in ("counted", "bound", "roofline", "measured")
            ),
        ),
        Facts(say("method.model"), _model(analysis)),
        Facts(say("method.conventions"), short_pairs(analysis.conventions)),
        *(Facts(_titled("method.roofs", device), _roofs(device)) for device in analysis.devices),
        *(Facts(say("method.run"), run_facts(run)) for run in analysis.runs),
        *(Facts(_titled("method.device", device), short_pairs(device.conditions)) for device in analysis.devices),
        Facts(say("method.environment"), short_pairs(analysis.environment)),
    ]
    return tuple(facts for facts in lists if facts.rows)


def _titled(key: str, device: DeviceRow) -> str:
    threads = say("method.whole_device") if device.threads is None else say_count("subject.threads", device.threads)
    return say(key, {"device": f"{device_title(device)}, {threads}"})


def _model(analysis: Analysis) -> tuple[tuple[str, str], ...]:
    model = analysis.model
    size = format_bytes(model.file_bytes)
    if model.external_bytes:
        size = say("method.size_external", {"file": size, "external": format_bytes(model.external_bytes)})
    rows = [
        (say("method.file"), short_sentence(model.path)),
        (say("method.format"), say("method.format_value", {"format": short_name(model.format), "opset": model.opset})),
        (say("method.size"), size),
        (say("method.sha256"), short_name(model.sha256)),
        (say("method.parameters"), f"{model.parameters}, {format_bytes(model.parameter_bytes)}"),
        (say("method.buffers"), format_bytes(model.buffer_bytes)),
        *((say("method.input"), _port(port)) for port in model.inputs[:_MOST_PORTS]),
        *((say("method.output"), _port(port)) for port in model.outputs[:_MOST_PORTS]),
    ]
    if model.bindings:
        bound = ", ".join(
            f"{short_name(name)} = {value if isinstance(value, int) else 'x'.join(map(str, value))}"
            for name, value in model.bindings.items()
        )
        rows.append((say("method.bindings"), short_sentence(bound)))
    return tuple(rows)


def _port(port: Port) -> str:
    shape = (
        "x".join(map(str, port.shape))
        if port.shape
        else say("method.unknown_shape" if port.shape is None else "method.scalar")
    )
    return f"{short_name(port.name)}: {short_name(port.dtype)} {short_name(shape)}"


def _roofs(device: DeviceRow) -> tuple[tuple[str, str], ...]:
    """Each roof with its kind and its source."""
    rows = [
        (
            short_name(f"{roof.dtype} {roof.engine}"),
            f"{format_operations_per_second(roof.operations_per_second)}, {short_name(roof.kind)}: "
            f"{short_sentence(roof.source)}",
        )
        for roof in device.roofs
    ]
    if device.bytes_per_second is not None:
        speed = format_bytes_per_second(device.bytes_per_second)
        source = f"{short_name(device.bytes_per_second_kind)}: {short_sentence(device.bytes_per_second_source)}"
        rows.append((say("method.memory"), f"{speed}, {source}"))
    return tuple(rows)
