"""`KERNELS`: the C functions of the engine, each in a file of the folder ``kernels``, and what each needs."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import resources

__all__ = ["KERNELS", "WITHOUT_STRUCT", "host_program", "kernel_text", "with_needed"]

KERNELS: dict[str, tuple[str, ...]] = {
    "rescale": (),
    "rescale_once": (),
    "rescale_wide": (),
    "clamp": (),
    "dot": (),
    "dot_window": (),
    "interpolate": (),
    "pool_layer": (),
    "conv": ("clamp", "dot_window"),
    "depthwise": ("clamp",),
    "dense": ("clamp", "dot", "rescale_once"),
    "dense_wide": ("clamp", "dot"),
    "max_pool": ("clamp", "pool_layer"),
    "average_pool": ("clamp", "pool_layer"),
    "mean": ("clamp", "rescale"),
    "add": ("clamp", "rescale"),
    "mul": ("clamp", "rescale"),
    "requantize": ("clamp", "rescale"),
    "concat": (),
    "pad": (),
    "flip": (),
    "look_up": (),
    "softmax": (),
    "softmax_wide": ("interpolate", "rescale"),
    "logistic_wide": (),
    "exponential": (),
    "golden": (),
    "prepare": (),
}
"""Name of a file -> names of those that it needs, which precede it here."""

WITHOUT_STRUCT = ("flip", "look_up")
"""Kernels that take their settings as arguments."""


@cache
def kernel_text(name: str) -> str:
    """Return the C code of a kernel."""
    return _text("kernels", f"{name}.c")


def with_needed(names: Iterable[str]) -> tuple[str, ...]:
    """Return kernels and all that they need, in the order of `KERNELS`."""
    wanted = set(names)
    for name in reversed(KERNELS):
        if name in wanted:
            wanted |= set(KERNELS[name])
    return tuple(name for name in KERNELS if name in wanted)


def host_program() -> str:
    """Return the C code of the program that the accuracy check runs."""
    return _text("host", "main.c")


def _text(folder: str, name: str) -> str:
    return (resources.files("mnist_exporters.formats.c.writing") / folder / name).read_text("utf-8")
