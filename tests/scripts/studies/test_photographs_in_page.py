"""The study of photographs in the page runs the page's own code."""

import shutil

import numpy as np
import pytest
from PIL import Image

from mnist_exporters.formats.web.page import module_in
from mnist_tools.release.demo import DEMO
from mnist_tools.rendering.page import answers_of_page


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
def test_the_page_reads_a_drawing_and_gives_no_label_to_a_blank_page(seven: np.ndarray) -> None:
    module = module_in(DEMO.read_text("utf-8")).content
    ink = np.dstack([np.zeros_like(seven), 250 - seven[..., 0]])
    large = Image.fromarray(seven).resize((900, 1200))
    pictures = [Image.fromarray(seven), large, Image.fromarray(ink), Image.new("L", (60, 60), 255)]
    assert answers_of_page(module, pictures) == ["7", "7", "7", None]
