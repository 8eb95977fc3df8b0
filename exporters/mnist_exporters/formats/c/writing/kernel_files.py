"""`KERNELS`: the C functions of the inference engine and their dependencies. Each is a file in ``kernels``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources

__all__ = ["KERNELS", "Kernel", "host_program", "kernel_text", "struct_of", "with_needed"]


@dataclass(frozen=True)
class Kernel:
    """A C function of the inference engine.

    Attributes
    ----------
    folder : str
        Folder in ``kernels`` with its file.
    needs : tuple of str
        Names of the kernels that it calls. They must be listed before it in `KERNELS`.
    """

    folder: str
    needs: tuple[str, ...] = ()


KERNELS = {
    "rescale": Kernel("rounding"),
    "rescale_once": Kernel("rounding"),
    "rescale_wide": Kernel("rounding"),
    "clamp": Kernel("rounding"),
    "dot": Kernel("sums"),
    "dot_window": Kernel("sums"),
    "interpolate": Kernel("scores"),
    "pool_layer": Kernel("pooling"),
    "conv": Kernel("sums", ("clamp", "dot_window")),
    "depthwise": Kernel("sums", ("clamp",)),
    "dense": Kernel("sums", ("clamp", "dot", "rescale_once")),
    "dense_wide": Kernel("sums", ("clamp", "dot")),
    "max_pool": Kernel("pooling", ("clamp", "pool_layer")),
    "average_pool": Kernel("pooling", ("clamp", "pool_layer")),
    "mean": Kernel("pooling", ("clamp", "rescale")),
    "add": Kernel("elements", ("clamp", "rescale")),
    "mul": Kernel("elements", ("clamp", "rescale")),
    "requantize": Kernel("elements", ("clamp", "rescale")),
    "concat": Kernel("shapes"),
    "pad": Kernel("shapes"),
    "flip": Kernel("shapes"),
    "look_up": Kernel("elements"),
    "softmax": Kernel("scores"),
    "softmax_wide": Kernel("scores", ("interpolate", "rescale")),
    "logistic_wide": Kernel("scores"),
    "exponential": Kernel("scores"),
    "golden": Kernel("pictures"),
    "prepare": Kernel("pictures"),
}
"""Name of a kernel, which is also the name of its file -> kernel."""

STRUCTS = {"max_pool": "pool_layer", "average_pool": "pool_layer", "flip": None, "look_up": None}
"""Kernel -> struct with its settings, if the struct has another name; None if the settings are arguments."""


@cache
def kernel_text(name: str) -> str:
    """Return the C code of a kernel."""
    return _text("kernels", KERNELS[name].folder, f"{name}.c")


def struct_of(name: str) -> str | None:
    """Return the name of the struct of a kernel's settings, or None if it takes them as arguments."""
    return STRUCTS.get(name, f"{name}_layer")


def with_needed(names: Iterable[str]) -> tuple[str, ...]:
    """Return the kernels and all kernels that they need, in the order of `KERNELS`."""
    wanted = set(names)
    for name in reversed(KERNELS):
        if name in wanted:
            wanted.update(KERNELS[name].needs)
    return tuple(name for name in KERNELS if name in wanted)


def host_program() -> str:
    """Return the C code of the program that the accuracy check runs."""
    return _text("host", "main.c")


def _text(*path: str) -> str:
    return resources.files("mnist_exporters.formats.c.writing").joinpath(*path).read_text("utf-8")
