"""Every operator that ONNX registers has a rule, and nearly every one of ONNX Runtime's own."""

import importlib
from typing import Any, cast

import onnx.defs
from conformance import NOT_COUNTABLE

from attainable.cost.control_flow import CONTROL_FLOW
from attainable.cost.rules import RULES

DOMAINS = {"", "ai.onnx.ml", "ai.onnx.preview", "ai.onnx.preview.training"}
"""Domains that ONNX registers."""

LEAST_OF_ONNX_RUNTIME = 80
"""Operators of ``com.microsoft`` with a rule, of 136 that ONNX Runtime 1.31 registers."""


def registered() -> set[str]:
    schemas = cast("list[Any]", onnx.defs.get_all_schemas_with_history())
    return {f"{schema.domain}:{schema.name}" if schema.domain else schema.name for schema in schemas}


def test_every_operator_of_onnx_has_a_rule_or_is_named() -> None:
    assert registered() - RULES.keys() == CONTROL_FLOW | NOT_COUNTABLE.keys()
    assert {schema.domain for schema in cast("list[Any]", onnx.defs.get_all_schemas())} <= DOMAINS


def test_no_operator_is_counted_twice() -> None:
    """Control flow costs what its bodies cost; a rule would add to that."""
    assert RULES.keys().isdisjoint(CONTROL_FLOW | NOT_COUNTABLE.keys())


def registered_by_onnx_runtime(domain: str) -> set[str]:
    bindings = cast(Any, importlib.import_module("onnxruntime.capi.onnxruntime_pybind11_state"))
    schemas = cast("list[Any]", bindings.get_all_operator_schema())
    return {schema.name for schema in schemas if schema.domain == domain}


def test_operators_of_onnx_runtime() -> None:
    known = {f"com.microsoft:{name}" for name in registered_by_onnx_runtime("com.microsoft")}
    assert len(known & RULES.keys()) >= LEAST_OF_ONNX_RUNTIME


def test_what_onnx_runtime_adds_to_the_default_domain() -> None:
    """Operators that ONNX dropped or never had; plug-ins of TensorRT and a unit without a formula have no rule."""
    added = {name for name in registered_by_onnx_runtime("") - registered() if not name.endswith("_TRT")}
    assert added - RULES.keys() == {"GRUUnit"}
