"""Draw a benchmark: latency of each interpreter, and images a second by batch and threads. Needs matplotlib."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mnist_runtime.device.measure import Bench
from mnist_runtime.errors import UsageError
from mnist_runtime.system.atomic import atomic_write, check_output_path

__all__ = ["SUFFIXES", "check_plot", "write_plot"]

SUFFIXES = (".png", ".svg", ".pdf")
COLORS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
"""Colors of Okabe and Ito, which color-blind people can tell apart."""


def check_plot(path: Path) -> None:
    """Check that a picture can be written at `path`, before the measurement.

    Raises
    ------
    UsageError
        If it has another suffix than those of `SUFFIXES`, or cannot be written.
    """
    if path.suffix not in SUFFIXES:
        raise UsageError(f"{path} is no picture that --plot writes. Use {', '.join(SUFFIXES)}.")
    check_output_path(path)


def write_plot(found: Bench, path: Path) -> None:
    """Write a picture of `found`.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    has_batches = any(one.throughputs for one in found.measurements)
    rows = len(found.measurements)
    heights = [1 + 0.75 * rows, 4] if has_batches else [1 + 0.75 * rows]
    figure = Figure(figsize=(8, sum(heights) + 1.2), layout="constrained")
    panels = figure.subplots(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
    machine = found.machine
    place = ", ".join(filter(None, [machine.board, machine.processor, f"{machine.cores} cores", machine.system]))
    figure.suptitle(f"{found.model} {found.precision}\n{place}", fontsize=11, parse_math=False)
    _draw_latency(panels[0], found)
    if has_batches:
        _draw_throughput(panels[1], found)
    if found.notes:
        figure.supxlabel("\n".join(found.notes), fontsize=7, wrap=True)
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=120, format=path.suffix[1:])


def _draw_latency(axes: Axes, found: Bench) -> None:
    """Draw a line from the median to the worst call, with a mark at each percentile."""
    for place, one in enumerate(found.measurements):
        latency = one.one_image
        axes.plot((latency.p50_us, latency.worst_us), (place, place), color="0.8", zorder=1)
        names, markers = ("median", "95 %", "99 %", "worst"), ("o", "|", "d", "x")
        values = (latency.p50_us, latency.p95_us, latency.p99_us, latency.worst_us)
        for name, value, marker, color in zip(names, values, markers, COLORS, strict=False):
            label = name if place == 0 else None
            axes.plot(value, place, marker, color=color, markersize=9, markeredgewidth=2, label=label)
        text = f"{latency.p50_us:.0f} µs"
        axes.annotate(text, (latency.p50_us, place), (0, 9), textcoords="offset points", ha="center", fontsize=8)
    axes.set_xscale("log")
    axes.set_ylim(len(found.measurements) - 0.5, -0.6)
    axes.set_yticks(range(len(found.measurements)), [f"{one.backend}\n{one.version}" for one in found.measurements])
    axes.set_xlabel("microseconds for one image on one thread")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=4, frameon=False, fontsize=8)


def _draw_throughput(axes: Axes, found: Bench) -> None:
    """Draw a line over the batch sizes for each interpreter and number of threads."""
    styles = ("-", "--", "-.", ":")
    for color, one in zip(COLORS * len(found.measurements), found.measurements, strict=False):
        for style, threads in zip(styles * 99, sorted({each.threads for each in one.throughputs}), strict=False):
            rows = [each for each in one.throughputs if each.threads == threads]
            label = f"{one.backend}, {threads} thread{'s' * (threads > 1)}"
            axes.plot(
                [each.batch for each in rows],
                [each.images_per_s for each in rows],
                style,
                color=color,
                marker="o",
                label=label,
            )
    axes.set_xscale("log")
    axes.set_yscale("log")
    batches = sorted({each.batch for one in found.measurements for each in one.throughputs})
    axes.set_xticks(batches, map(str, batches))
    axes.minorticks_off()
    axes.set_xlabel("images in a batch")
    axes.set_ylabel("images a second")
    axes.grid(visible=True, alpha=0.3)
    axes.legend(
        loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=len(found.measurements), frameon=False, fontsize=8
    )
