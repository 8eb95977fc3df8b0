"""`PRINTED` and `SEGMENTS`: the digits of typefaces and of seven-segment displays."""

from __future__ import annotations

from mnist_trainer.augmentation.pen.skeleton import Skeleton as Form

__all__ = ["PRINTED", "SEGMENTS"]

PRINTED: tuple[tuple[Form, ...], ...] = (
    (
        Form("oval", "50,0 15,12 0,50 15,88 50,100 85,88 100,50 85,12 50,0"),
        Form("racetrack", "50,0 10,8 0,32 0,68 10,92 50,100 90,92 100,68 100,32 90,8 50,0", 0.6),
        Form("slashed", "50,0 15,12 0,50 15,88 50,100 85,88 100,50 85,12 50,0; 84,14 16,86", 0.2),
    ),
    (
        Form("flag", "18,22 55,0* 55,100"),
        Form("flag and foot", "18,22 55,0* 55,100; 14,100 96,100"),
        Form("flat flag", "20,12 52,10* 52,0* 52,100", 0.4),
        Form("bar", "50,0 50,100", 0.4),
    ),
    (
        Form("round", "5,26 16,7 48,0 84,8 92,30 72,58 5,100* 96,100"),
        Form("curved neck", "6,24 46,0 92,26 60,64 24,84 6,100* 96,100"),
    ),
    (
        Form("round", "5,16 25,3 55,0 86,12 84,36 60,46 34,47* 66,49 94,62 92,86 60,100 25,98 3,84"),
        Form("flat top", "8,0 90,0* 45,38* 80,43 96,66 86,91 50,100 3,88", 0.5),
    ),
    (
        Form("closed", "70,100 70,0* 0,72* 100,72"),
        Form("open", "28,0 8,60* 96,60; 72,34 72,100", 0.4),
    ),
    (
        Form("round", "88,0 18,0* 12,46* 40,36 76,41 96,66 85,91 50,100 4,90"),
        Form("small hat", "80,0 24,0* 20,40* 54,36 90,56 86,88 50,100 8,92", 0.6),
    ),
    (
        Form("curved", "90,12 60,0 22,14 2,60 20,94 52,100 88,88 96,64 80,42 48,38 14,50 3,68"),
        Form("straight stem", "66,0 36,34 8,60 12,88 50,100 90,86 92,58 56,42 22,50", 0.7),
    ),
    (
        Form("plain", "3,0 96,0* 38,100"),
        Form("curved stem", "3,0 96,0* 60,44 42,100"),
        Form("serif", "4,14 4,0* 96,0* 42,100", 0.5),
    ),
    (
        Form("rings", "50,45 16,34 20,7 50,0 80,7 84,34 50,45; 50,45 8,58 6,88 50,100 94,88 92,58 50,45"),
        Form("equal rings", "50,49 8,38 12,7 50,0 88,7 92,38 50,49; 50,49 6,61 8,92 50,100 92,92 94,61 50,49", 0.6),
    ),
    (
        Form("curved", "10,88 40,100 78,86 98,40 80,6 48,0 12,12 4,36 20,58 52,62 86,50 97,32"),
        Form("straight stem", "34,100 64,66 92,40 88,12 50,0 10,14 8,42 44,58 78,50", 0.7),
        Form("upright stem", "96,40 80,8 48,0 12,12 4,36 20,58 52,62 86,50 96,30 96,100", 0.3),
    ),
)
"""Digit -> its shapes in print."""

_TOP, _RIGHT, _RIGHT_BELOW = "8,0 92,0", "100,5 100,45", "100,55 100,95"
_BOTTOM, _LEFT_BELOW, _LEFT, _MIDDLE = "8,100 92,100", "0,55 0,95", "0,5 0,45", "8,50 92,50"


def _lit(*segments: str, weight: float = 1.0) -> Form:
    return Form("seven segments", "; ".join(segments), weight)


SEGMENTS: tuple[tuple[Form, ...], ...] = (
    (_lit(_TOP, _RIGHT, _RIGHT_BELOW, _BOTTOM, _LEFT_BELOW, _LEFT),),
    (_lit(_RIGHT, _RIGHT_BELOW),),
    (_lit(_TOP, _RIGHT, _MIDDLE, _LEFT_BELOW, _BOTTOM),),
    (_lit(_TOP, _RIGHT, _MIDDLE, _RIGHT_BELOW, _BOTTOM),),
    (_lit(_LEFT, _MIDDLE, _RIGHT, _RIGHT_BELOW),),
    (_lit(_TOP, _LEFT, _MIDDLE, _RIGHT_BELOW, _BOTTOM),),
    (
        _lit(_TOP, _LEFT, _MIDDLE, _RIGHT_BELOW, _BOTTOM, _LEFT_BELOW),
        _lit(_LEFT, _MIDDLE, _RIGHT_BELOW, _BOTTOM, _LEFT_BELOW, weight=0.4),
    ),
    (_lit(_TOP, _RIGHT, _RIGHT_BELOW), _lit(_LEFT, _TOP, _RIGHT, _RIGHT_BELOW, weight=0.5)),
    (_lit(_TOP, _RIGHT, _RIGHT_BELOW, _BOTTOM, _LEFT_BELOW, _LEFT, _MIDDLE),),
    (
        _lit(_TOP, _LEFT, _MIDDLE, _RIGHT, _RIGHT_BELOW, _BOTTOM),
        _lit(_TOP, _LEFT, _MIDDLE, _RIGHT, _RIGHT_BELOW, weight=0.4),
    ),
)
"""Digit -> its segments on a display, in the common forms of 6, 7 and 9."""
