"""Changes to a model that are kept only when verified and faster: transform, verify, measure, keep or refuse."""

from attainable.optimization.optimize import Settings, optimize_model
from attainable.optimization.outcome import Optimization, Outcome
from attainable.optimization.verification import OutputAgreement, Verification

__all__ = ["Optimization", "Outcome", "OutputAgreement", "Settings", "Verification", "optimize_model"]
