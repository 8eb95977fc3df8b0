"""`with_fused_pooling`: merge each convolution with the max pooling after it, so that its output needs no memory."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from mnist_exporters.formats.c.graph import Program, Step

__all__ = ["with_fused_pooling"]


def with_fused_pooling(program: Program) -> Program:
    """Return `program` with one step for each convolution and the max pooling after it.

    The results are the same: max pooling rounds nothing, and windows without overlap read each value only once. The
    output of the convolution is usually the largest tensor. After the fusion, it needs no memory.
    """
    read = [program.output, *(number for step in program.steps for number in step.inputs)]
    readers = Counter(program.storage(number) for number in read)
    steps: list[Step] = []
    for step in program.steps:
        previous = steps[-1] if steps else None
        if previous and readers[previous.output] == 1 and _can_be_fused(previous, step):
            steps[-1] = _fused(previous, step)
        else:
            steps.append(step)
    return replace(program, steps=tuple(steps))


def _can_be_fused(conv: Step, pool: Step) -> bool:
    """Return whether `pool` is a max pooling of the output of `conv`, in windows without overlap and padding."""
    if (conv.kernel, pool.kernel) != ("conv", "max_pool") or pool.inputs != (conv.output,):
        return False
    windows = pool.calls[0].settings
    size = [windows["window_height"], windows["window_width"]]
    ends = [windows["out_height"] * size[0] <= windows["height"], windows["out_width"] * size[1] <= windows["width"]]
    sums = conv.calls[0].settings
    bounds = [windows["low"] <= sums["low"], windows["high"] >= sums["high"]]
    return size == [windows["stride_y"], windows["stride_x"]] and all(ends) and all(bounds)


def _fused(conv: Step, pool: Step) -> Step:
    call, windows = conv.calls[0], pool.calls[0].settings
    settings = {
        **call.settings,
        "out_height": windows["out_height"],
        "out_width": windows["out_width"],
        "pool_height": windows["window_height"],
        "pool_width": windows["window_width"],
    }
    return replace(conv, calls=(replace(call, settings=settings),), output=pool.output)
