"""NAME_prepare gives the bytes of `mnist_runtime.prepare` for clean pictures, and survives any arguments."""

import ctypes
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.shared.c_programs import STRICT, c_files, needs_gcc, write
from tests.shared.operator_networks import NETWORKS, converted

from mnist_exporters.formats.c.compiler import find_compiler
from mnist_exporters.formats.tflite.rewrites import with_static_batch
from mnist_runtime import BlankError, prepare
from mnist_runtime.preprocess.ink.clean import clean_ink, flat_background_ink
from mnist_trainer import Splits

pytestmark = needs_gcc

PREPARED, BLANK, UNEVEN, WRONG_SIZE = range(4)

HOSTILE = r"""
#include <stdio.h>
#include <stdlib.h>
#include "model.h"
int main(void) {
  int32_t sizes[3];
  while (fread(sizes, sizeof sizes, 1, stdin) == 1) {
    const int is_read = sizes[0] > 0 && sizes[1] > 0 && sizes[2] >= sizes[0] && (long)sizes[1] * sizes[2] < 1000000;
    const size_t count = is_read ? (size_t)(sizes[2] * (sizes[1] - 1) + sizes[0]) : 1;
    uint8_t *gray = malloc(count), *out = malloc(MODEL_PIXELS);
    if (is_read && fread(gray, 1, count, stdin) != count) return 9;
    printf("%d ", (int)model_prepare(gray, sizes[0], sizes[1], sizes[2], out));
    free(gray);
    free(out);
  }
  printf("%d %d\n", (int)model_prepare(0, 28, 28, 28, 0), (int)model_classify(0));
  return 0;
}
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    content = with_static_batch(converted(NETWORKS["per_pixel"][0]))
    return write(c_files(content, prepares=True), tmp_path_factory.mktemp("prepare"))


@pytest.fixture(scope="module")
def in_c(source: Path) -> Callable[[np.ndarray], tuple[int, np.ndarray]]:
    """Prepare a gray picture with the compiled code; return its result and the image."""
    library = source.with_suffix(".so")
    subprocess.run(["gcc", "-std=c99", *STRICT, "-O2", "-shared", "-fPIC", source, "-o", library], check=True)
    function = ctypes.CDLL(str(library)).model_prepare

    def call(gray: np.ndarray) -> tuple[int, np.ndarray]:
        height, width = gray.shape
        content, out = gray.tobytes(), np.zeros((28, 28), np.uint8)
        result = function(content, width, height, width, out.ctypes.data_as(ctypes.c_void_p))
        return result, out

    return call


def check(in_c: Callable[[np.ndarray], tuple[int, np.ndarray]], gray: np.ndarray) -> int:
    """Compare both preparations of a picture that the runtime does not take for a photograph.

    Of a large drawing the runtime closes the gaps in strokes, which the C code does not.
    """
    result, image = in_c(gray)
    try:
        if max(gray.shape) >= 48:
            large = gray.astype(np.float32)
            clean = clean_ink(large)
            if clean is None:
                return UNEVEN
            if not np.array_equal(clean, flat_background_ink(large)):
                assert result == PREPARED
                return result
        expected = prepare(gray)
    except BlankError:
        assert result == BLANK
    else:
        assert result == PREPARED
        assert np.array_equal(image, expected)
    return result


@pytest.mark.long
def test_digits_in_every_size_and_polarity(in_c: Callable[..., tuple[int, np.ndarray]], digits: Splits) -> None:
    generator = np.random.default_rng(0)
    results = []
    for image in digits.test.images[:60]:
        times, top, left = generator.integers((1, 0, 0), (12, 40, 40))
        large = np.pad(np.kron(image, np.ones((times, times), np.uint8)), ((top, 9), (left, 30)))
        gray = (230 - large * generator.uniform(0.3, 0.9)).astype(np.uint8)
        results += [check(in_c, each) for each in (image, 255 - image, large, gray, image[::3, ::3])]
    assert results.count(PREPARED) > 250


PICTURES = st.builds(
    lambda height, width, background, boxes: (height, width, background, boxes),
    st.integers(1, 60),
    st.integers(1, 60),
    st.integers(0, 255),
    st.lists(st.tuples(*[st.integers(0, 59)] * 4, st.integers(0, 255)), max_size=4),
)


@settings(max_examples=150, deadline=None)
@example((1, 1, 0, []))
@example((1, 47, 0, [(0, 3, 1, 9, 255)]))
@example((47, 3, 255, [(5, 0, 30, 3, 0)]))
@example((10, 48, 0, [(0, 0, 8, 1, 7), (9, 0, 1, 1, 16)]))
@given(PICTURES)
def test_any_picture(in_c: Callable[..., tuple[int, np.ndarray]], picture: tuple) -> None:
    height, width, background, boxes = picture
    gray = np.full((height, width), background, np.uint8)
    for top, left, high, wide, value in boxes:
        gray[top : top + high, left : left + wide] = value
    check(in_c, gray)


def test_photographs_are_told_apart(in_c: Callable[..., tuple[int, np.ndarray]]) -> None:
    light = np.linspace(120, 250, 200)[None] * np.ones((150, 1))
    light[40:110, 90:100] = 20
    assert in_c(light.astype(np.uint8))[0] == UNEVEN


@pytest.mark.long
def test_hostile_arguments_under_sanitizers(source: Path) -> None:
    generator = np.random.default_rng(0)
    (source.parent / "hostile.c").write_text(HOSTILE)
    program = source.parent / "hostile"
    flags = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-I", str(source.parent), *STRICT)
    find_compiler().build((source, source.parent / "hostile.c"), program, *flags)
    content, expected = [], []
    sizes = [(0, 5, 5), (5, 0, 5), (-3, 5, 5), (5, 5, 4), (641, 1, 641), (1, 641, 1), (3, 3, 2**31 - 1)]
    sizes += [(640, 640, 640)]
    for width, height, more in generator.integers((1, 1, 0), (80, 80, 5), (60, 3)).tolist():
        sizes.append((width, height, width + more))
    for width, height, stride in sizes:
        content.append(struct.pack("<iii", width, height, stride))
        is_right = 0 < width <= 640 and 0 < height <= 640 and width <= stride < 2**31 // 640
        expected.append(is_right)
        if width > 0 and height > 0 and stride >= width and stride * height < 1_000_000:
            pixels = generator.integers(0, 256, stride * (height - 1) + width, dtype=np.uint8)
            pixels[generator.random(len(pixels)) < 0.7] = generator.integers(256)
            content.append(pixels.tobytes())
    done = subprocess.run([program], input=b"".join(content), capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    results = list(map(int, done.stdout.split()))
    assert [result != WRONG_SIZE for result in results[:-2]] == expected
    assert results[-2:] == [WRONG_SIZE, -1]
