"""All checks by group."""

from benchmarks.acceptance import device, formula, local, models, npu, ops, papers, shufflenetv2, yolo
from benchmarks.acceptance.claim import Checks

TABLE: dict[str, Checks] = {
    "formula": formula.CHECKS,
    "device": device.CHECKS,
    "ops": ops.CHECKS,
    "yolo": yolo.CHECKS,
    "models": models.CHECKS,
    "npu": npu.CHECKS,
    "shufflenetv2": shufflenetv2.CHECKS,
    "papers": papers.CHECKS,
    "local": local.CHECKS,
}
