"""How a roofline adds up: which ops, which traffic, which memory and whose figures; every choice has a name.

The default is the fused accounting: all ops, element-wise ops joined to the kernel that makes their input, each kernel
moving its boundary through the main memory, measured figures of the device before specified ones.
"""

from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from attainable.devices.device import Basis
from attainable.errors import InvalidQuantity, unknown_name

Scope = Literal["all", "contractions"]
Kernels = Literal["fused", "unfused"]
Traffic = Literal["in+w+out", "w+out"]
Levels = Literal["main", "caches"]


@dataclass(frozen=True, slots=True)
class Accounting:
    """The choices behind a roofline.

    Attributes:
        scope: ``contractions``: ops without MACs cost nothing, as much of the literature counts.
        kernels: ``unfused``: every op is a kernel and moves its own traffic.
        traffic: ``w+out``: activations are not read, as if each op found its input in a cache.
        memory: ``caches``: a kernel whose traffic fits a cache moves it at that cache's speed, and activations that fit
            the on-chip memory of an accelerator stay there; ``main``: everything goes through the main memory.
        basis: whether measured or specified figures of the device count, where it has both.
        efficiency: the shares of the roofs that the device states by kind of operator apply.
        alignment: channels are rounded up as the device states.
        launch: each kernel costs the device's launch time, and each run its own.
    """

    scope: Scope = "all"
    kernels: Kernels = "fused"
    traffic: Traffic = "in+w+out"
    memory: Levels = "main"
    basis: Basis = "measured"
    efficiency: bool = False
    alignment: bool = False
    launch: bool = False

    @property
    def name(self) -> str:
        """The choices in words, those that differ from the default and how kernels are made; `accounting` reads it."""
        chosen = [word for word, (field, value) in WORDS.items() if getattr(self, field) == value != _default(field)]
        implied = self.scope == "contractions" and self.kernels == "unfused"
        words = [word for word in chosen if word not in ("fused", "unfused")]
        return ", ".join(words if implied else [self.kernels, *words])


WORDS: dict[str, tuple[str, str | bool]] = {
    "fused": ("kernels", "fused"),
    "unfused": ("kernels", "unfused"),
    "all": ("scope", "all"),
    "contractions": ("scope", "contractions"),
    "in+w+out": ("traffic", "in+w+out"),
    "w+out": ("traffic", "w+out"),
    "main": ("memory", "main"),
    "caches": ("memory", "caches"),
    "measured": ("basis", "measured"),
    "specified": ("basis", "specified"),
    "efficiency": ("efficiency", True),
    "alignment": ("alignment", True),
    "launch": ("launch", True),
}
"""What a user may say, and the field and value it stands for."""

FUSED = Accounting()
UNFUSED = Accounting(kernels="unfused")
CONTRACTIONS = Accounting(scope="contractions", kernels="unfused")


def accounting(text: str) -> Accounting:
    """Read words separated by commas, such as ``contractions,caches``.

    ``contractions`` alone leaves nothing to fuse, and therefore means unfused unless ``fused`` is said too.

    Raises:
        UnknownName: a word that is none of `WORDS`.
        InvalidQuantity: two words contradict each other.
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    said: dict[str, str] = {}
    for word in words:
        if word not in WORDS:
            raise unknown_name("accounting", word, WORDS)
        field, _ = WORDS[word]
        if said.setdefault(field, word) != word:
            raise InvalidQuantity(f"says both {said[field]} and {word}", where="--accounting", help="choose one")
    if said.get("scope") == "contractions" and "kernels" not in said:
        said["kernels"] = "unfused"
    choices: dict[str, Any] = dict(WORDS[word] for word in said.values())
    return Accounting(**choices)


def alternatives(chosen: Accounting) -> tuple[Accounting, ...]:
    """The accountings on which a verdict may depend: fused, unfused and contractions, otherwise as ``chosen``."""
    forms = (FUSED, UNFUSED, CONTRACTIONS)
    return tuple(replace(chosen, scope=form.scope, kernels=form.kernels) for form in forms)


def _default(field: str) -> object:
    return next(entry.default for entry in fields(Accounting) if entry.name == field)
