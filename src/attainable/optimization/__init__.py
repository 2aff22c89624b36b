"""Changes to a model that are verified and measured before they are kept: transform, verify, measure, keep or refuse."""

from attainable.optimization.optimize import Settings, optimize_model
from attainable.optimization.outcome import Optimization, Outcome
from attainable.optimization.verification import OutputAgreement, Verification

__all__ = ["Optimization", "Outcome", "OutputAgreement", "Settings", "Verification", "optimize_model"]
