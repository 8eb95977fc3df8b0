"""`Skeleton`: the center lines of a digit or sign, given by points (joints), and the smooth path through them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

__all__ = ["Paths", "Skeleton"]

Matrix = npt.NDArray[np.float32]

SAMPLES = 42
"""Number of path points per digit height. The distance between two points is about half a pixel."""


@dataclass(frozen=True)
class Paths:
    """Data that `Skeleton.paths` computes once for each shape.

    Parameters
    ----------
    joints : ndarray of shape (k, 2), dtype float32
        The joints: x to the right and y down, 0..1 for a digit.
    places : ndarray of shape (k,), dtype intp
        Index of the place of each joint. Joints of different strokes at the same place move together.
    room : ndarray of shape (k,), dtype float32
        Distance to the nearest joint of the same stroke. Joints that are close together move less.
    smooth, rounded : ndarray of shape (s, k), dtype float32
        Matrices that map joints to the points of the path, with sharp and with rounded corners.
    stroke : ndarray of shape (s,), dtype intp
        Index of the stroke that each point belongs to.
    progress : ndarray of shape (s,), dtype float32
        Distance of each point from the start of its stroke, in multiples of the digit's height.
    ends : ndarray of shape (e, 2), dtype intp
        For both ends of each stroke: the index of its joint, and of the joint next to it.
    """

    joints: Matrix
    places: npt.NDArray[np.intp]
    room: Matrix
    smooth: Matrix
    rounded: Matrix
    stroke: npt.NDArray[np.intp]
    progress: Matrix
    ends: npt.NDArray[np.intp]


@dataclass(frozen=True)
class Skeleton:
    """The center lines of one way to write a digit or a sign.

    Parameters
    ----------
    name : str
        What it shows.
    lines : str
        Strokes, separated by semicolons. A stroke is a list of joints ``x,y`` in hundredths: x to the right, y down, a
        digit fills 0..100. The path is a smooth curve through the joints, with a corner where a star follows.
    weight : float
        How often it is drawn, relative to the other shapes of the same digit.
    is_held_out : bool
        Whether it is used for evaluation only, never for training.

    Examples
    --------
    >>> flagged = Skeleton("one with a flag", "28,22 55,0* 55,100")
    >>> flagged.paths.joints.shape
    (3, 2)
    """

    name: str
    lines: str
    weight: float = 1.0
    is_held_out: bool = False

    @cached_property
    def paths(self) -> Paths:
        """The joints, and the matrices that turn them into a path. Computed at the first use."""
        strokes = [_parsed(stroke) for stroke in self.lines.split(";")]
        joints = np.array([joint for points, _ in strokes for joint in points], np.float32) / 100
        smooth: list[Matrix] = []
        rounded: list[Matrix] = []
        numbers, progress, ends, first = [], [], [], 0
        for number, (points, corners) in enumerate(strokes):
            own = joints[first : first + len(points)]
            weights = _spline(own, corners)
            path = weights @ own
            length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
            for matrices, rows in ((smooth, weights), (rounded, _moving_average(weights))):
                wide = np.zeros((len(rows), len(joints)), np.float32)
                wide[:, first : first + len(points)] = rows
                matrices.append(wide)
            numbers.append(np.full(len(path), number))
            progress.append(length)
            ends += [(first, first + 1), (first + len(points) - 1, first + len(points) - 2)]
            first += len(points)
        _, places = np.unique(joints, axis=0, return_inverse=True)
        return Paths(
            joints=joints,
            places=places.reshape(-1),
            room=_room([len(points) for points, _ in strokes], joints),
            smooth=np.concatenate(smooth),
            rounded=np.concatenate(rounded),
            stroke=np.concatenate(numbers),
            progress=np.concatenate(progress).astype(np.float32),
            ends=np.array(ends, np.intp),
        )


def _parsed(stroke: str) -> tuple[list[tuple[float, float]], list[int]]:
    """Return the joints of a stroke and the indices of its corners."""
    points, corners = [], []
    for index, word in enumerate(stroke.split()):
        x, y = word.rstrip("*").split(",")
        points.append((float(x), float(y)))
        if word.endswith("*"):
            corners.append(index)
    return points, corners


def _spline(points: Matrix, corners: list[int]) -> Matrix:
    """Return the matrix from the joints of one stroke to the points of its path (Catmull-Rom splines)."""
    count = len(points)
    bounds = [0, *corners, count - 1]
    rows = []
    for begin, end in pairwise(bounds):
        for index in range(begin, end):
            steps = max(3, math.ceil(SAMPLES * float(np.hypot(*(points[index + 1] - points[index])))))
            t = np.arange(steps, dtype=np.float32)[:, None] / steps
            own = np.zeros((steps, count), np.float32)
            parts = np.hstack([-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2]) / 2
            for offset in range(4):
                # Beyond an end, the curve continues straight: the joint before the first one mirrors the second.
                wanted, part = index - 1 + offset, parts[:, offset]
                if wanted < begin:
                    own[:, begin] += 2 * part
                    own[:, begin + 1] -= part
                elif wanted > end:
                    own[:, end] += 2 * part
                    own[:, end - 1] -= part
                else:
                    own[:, wanted] += part
            rows.append(own)
    last = np.zeros((1, count), np.float32)
    last[0, -1] = 1
    return np.concatenate([*rows, last])


def _moving_average(weights: Matrix) -> Matrix:
    """Return the matrix of a path with rounded corners, as in fast writing. Both ends stay where they are."""
    reach = SAMPLES // 5
    places = np.arange(len(weights))
    distance = places[None, :] - places[:, None]
    nearest_end = np.minimum(places, len(weights) - 1 - places)[:, None]
    kernel = np.clip(1 - np.abs(distance) / (1 + np.minimum(reach, nearest_end)), 0, None)
    averaged: Matrix = ((kernel / kernel.sum(axis=1, keepdims=True)) @ weights).astype(np.float32)
    return averaged


def _room(counts: list[int], joints: Matrix) -> Matrix:
    """Return the distance of each joint to its nearest neighbor on the same stroke."""
    room, first = [], 0
    for count in counts:
        gaps = np.hypot(*np.diff(joints[first : first + count], axis=0).T)
        room.append(np.minimum(np.concatenate([gaps[:1], gaps]), np.concatenate([gaps, gaps[-1:]])))
        first += count
    joined: Matrix = np.concatenate(room).astype(np.float32)
    return joined
