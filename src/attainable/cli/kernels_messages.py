"""Every sentence of ours in ``attainable measure --kernels``, by key.

A second language is a second table. Names enter as values only: a template never comes from a model.
"""

from collections.abc import Mapping
from types import MappingProxyType

from attainable.messages import Messages

ENGLISH: Mapping[str, str] = MappingProxyType(
    {
        "title": "Executed graph of {model}",
        "threads": "{count} threads",
        "threads.one": "1 thread",
        "mostly": "mostly {precision}",
        # what kernels are for
        "purpose": "Purpose",
        "purpose.op": "one op in one kernel",
        "purpose.fused": "several ops fused into one kernel",
        "purpose.split": "ops that several kernels compute together",
        "purpose.layout": "changes of the layout",
        "purpose.cast": "casts",
        "purpose.quantise": "quantising and dequantising left over",
        "purpose.copy": "copies: reshapes, transposes, concatenations",
        "purpose.fallback": "fallbacks",
        "purpose.unmapped": "of no op of the model",
        "short.op": "op",
        "short.fused": "fused",
        "short.split": "split",
        "short.layout": "layout",
        "short.cast": "cast",
        "short.quantise": "Q/DQ",
        "short.copy": "copy",
        "short.fallback": "fallback",
        "short.unmapped": "unmapped",
        "inserted": ", {count} not in the model",
        # why a kernel is a fallback
        "fallback.provider": "run by {implementation}",
        "fallback.no_provider": "not run by {provider}",
        "fallback.reference": "reference code ({implementation})",
        "fallback.quantised": "in {precision}, which the model quantises",
        "fallback.precision": "in {precision} instead of {wanted}",
        "fallback.title": "Fallbacks",
        "fallback.row": "{kind}: {reason}",
        # other parts
        "precision.title": "Type",
        "precision.unknown": "not told",
        "pattern.title": "Ops together",
        "pattern.more": "{count} other patterns",
        "pattern.more.one": "1 other pattern",
        # the kernels
        "column.kernels": "kernels",
        "column.time": "time",
        "column.share": "share",
        "column.number": "#",
        "column.purpose": "Purpose",
        "column.kernel": "Kernel",
        "column.precision": "Type",
        "column.layout": "Layout",
        "column.ops": "Ops of the model",
        "ops.serves": "for {ops}",
        "ops.quantised": "Q/DQ",
        "ops.none": "none known",
        "ops.more": "{count} more",
        "kernels.rest.one": "1 shorter kernel is not listed: {share} of the time; --json has all of them",
        "kernels.rest": "{count} shorter kernels are not listed: {share} of the time; --json has all of them",
        # at the end
        "end.ops": "{ops} ops ran as {kernels} kernels; {fused} ops share a kernel with others",
        "end.absent": "in no kernel, folded or removed before the run: {kinds}",
        "end.unmapped": "of the kernels' time could not be traced to ops of the model",
        "end.profiler": "what the profiler added to whole runs ({plain} without, {profiled} with it)",
        "end.profiler_unknown": "what the profiler added to whole runs: it left no room for runs without it",
        "end.subtracted": "subtracted from each kernel for the profiler",
        "end.together": "the kernels together, {share} of the unprofiled median of {whole}",
        "end.times": "{kind} x{count}",
    }
)

_SPOKEN = Messages(ENGLISH)
say, say_count = _SPOKEN.say, _SPOKEN.say_count
