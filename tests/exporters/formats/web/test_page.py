"""``docs/demo.html`` in a real browser: what it reads, how it is used, and that it sends nothing."""

import base64
import io
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from mnist_exporters.formats.web.page import module_in, page_of
from mnist_runtime import Artifact, Task, prepare
from mnist_runtime.backends.numpy_int8 import load_numpy
from mnist_trainer import find_model

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DEMO = Path(__file__).parents[4] / "docs" / "demo.html"

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")

SEVEN = [(0.3, 0.22), (0.5, 0.22), (0.72, 0.22), (0.6, 0.5), (0.5, 0.8)]


@pytest.fixture(scope="module")
def problems() -> list[str]:
    """Addresses that were requested, and errors."""
    return []


@pytest.fixture(autouse=True)
def no_request_leaves_the_page(problems: list[str]) -> Iterator[None]:
    yield
    assert not problems


@pytest.fixture(scope="module")
def opened(problems: list[str]) -> Iterator[Callable[..., Page]]:
    """Return a function that opens the demonstration in a window of some width."""
    with sync_playwright() as browsers:
        browser = browsers.chromium.launch(executable_path=BROWSER)

        def opened(width: int = 1280, **options: Any) -> Page:
            page = browser.new_page(viewport={"width": width, "height": 900}, **options)
            page.on("request", lambda request: problems.append(request.url) if is_outside(request.url) else None)
            page.on("pageerror", lambda error: problems.append(str(error)))
            page.goto(DEMO.as_uri())
            expect(page.locator("body")).to_have_attribute("data-answers", "1")
            return page

        yield opened


def is_outside(address: str) -> bool:
    return address != DEMO.as_uri() and not address.startswith("data:")


@pytest.fixture(scope="module")
def page(opened: Callable[..., Page]) -> Page:
    return opened()


def settled(page: Page) -> str:
    """Return the answer after the page has nothing left to do."""
    page.wait_for_timeout(100)
    expect(page.locator("#answer")).to_have_text(re.compile(r"\S"))
    return page.inner_text("#answer")


def draw(page: Page, points: list[tuple[float, float]]) -> None:
    box = page.locator("#drawing").bounding_box()
    assert box is not None
    for number, (x, y) in enumerate(points):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=4)
        if number == 0:
            page.mouse.down()
    page.mouse.up()


def drop(page: Page, picture: Image.Image, kind: str = "PNG") -> str:
    """Drop a picture on the page; return the answer."""
    content = io.BytesIO()
    picture.save(content, kind)
    page.click("#clear")
    page.evaluate(
        """async text => {
          const content = Uint8Array.from(atob(text), letter => letter.charCodeAt(0)), moved = new DataTransfer();
          moved.items.add(new File([content], "picture"));
          dispatchEvent(new DragEvent("drop", { dataTransfer: moved }));
        }""",
        base64.b64encode(content.getvalue()).decode(),
    )
    return settled(page)


def test_the_demonstration_is_the_ready_model_in_the_present_page() -> None:
    """`scripts/tool release demo` writes it."""
    text = DEMO.read_text("utf-8")
    module = module_in(text)
    assert module.manifest.source["sha256"] == find_model("cnn").sha256
    assert module.manifest.parity["images"] == 10_000
    assert page_of(module) == text
    assert len(text.encode()) <= 150_000


@pytest.mark.long
@pytest.mark.parametrize("width", [1280, 390])
def test_a_drawn_seven_is_read_at_each_width(opened: Callable[..., Page], width: int) -> None:
    page = opened(width, color_scheme="dark" if width == 390 else "light")
    draw(page, SEVEN)
    assert settled(page) == "7"
    rows = page.locator("#bars li")
    assert rows.count() == 10
    assert rows.nth(7).get_attribute("class") == "best"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    expect(page.locator("#spoken")).to_have_text(re.compile("7, "))
    page.keyboard.press("Backspace")  # the drawing has the focus
    expect(page.locator("#answer")).not_to_have_text(re.compile(r"\S"))
    page.close()


@pytest.mark.long
def test_a_one_is_drawn_with_the_keyboard(page: Page) -> None:
    page.click("#clear")
    page.focus("#drawing")
    for key in ("ArrowUp",) * 6 + (" ",) + ("ArrowDown",) * 12 + ("Space",):
        page.keyboard.press(key)
    assert settled(page) == "1"
    assert page.is_visible("#pen")


def test_golden_vectors_agree(page: Page) -> None:
    artifact = module_in(DEMO.read_text("utf-8"))
    found = page.evaluate(
        "engine.golden().map(({image, scores}) => (engine.classifyImage(image), [...engine.integers()]))"
    )
    assert np.array_equal(found, artifact.golden.scores)
    assert page.evaluate("engine.selfTest()") == 0
    expect(page.locator("#facts")).to_contain_text("the same integers")


def test_it_prepares_clean_pictures_as_the_runtime_and_gives_the_same_integers(page: Page, seven: np.ndarray) -> None:
    gray = seven[..., 0]
    prepared, integers = page.evaluate(
        "([bytes, width, height]) => [[...engine.classify(bytes, width, height).prepared], [...engine.integers()]]",
        [gray.ravel().tolist(), gray.shape[1], gray.shape[0]],
    )
    image = prepare(gray)
    assert np.array_equal(np.array(prepared).reshape(28, 28), image)
    model = Artifact.open(
        Path(find_model("cnn").path).parents[3] / "runtime/mnist_runtime/models/cnn-int8.tflite"
    ).content
    assert np.array_equal(load_numpy(model).run(image[None, ..., None])[0], integers)


@pytest.mark.parametrize(("size", "channels"), [((16, 40), 1), ((100, 33), 3), ((32, 20), 3)])
def test_it_resizes_as_the_runtime(page: Page, size: tuple[int, int], channels: int) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (*size, 3)[: 2 + (channels == 3)], np.uint8)
    task = Task(32, 20, channels, ("a", "b"))
    found = page.evaluate(
        "([bytes, across, down, channels]) => [...resize(bytes, across, down, 20, 32, channels)]",
        [picture.ravel().tolist(), size[1], size[0], channels],
    )
    assert np.array_equal(np.reshape(found, task.image_shape), prepare(picture, task))


@pytest.mark.long
def test_dropped_pictures_are_read(page: Page, seven: np.ndarray, golden: np.ndarray) -> None:
    assert drop(page, Image.fromarray(seven)) == "7"
    assert drop(page, Image.fromarray(golden[2])) == "4"
    assert drop(page, Image.fromarray(seven).resize((1350, 1800)), "JPEG") == "7"
    assert drop(page, Image.new("L", (90, 90), 200)) == "nothing to read"
    shade = np.linspace(110, 230, 360)[:, None] + np.random.default_rng(0).normal(0, 4, (360, 270))
    paper = np.minimum(255, shade * np.kron(seven[..., 0], np.ones((3, 3))) / 250)
    assert drop(page, Image.fromarray(paper.astype(np.uint8)), "JPEG") == "7", "a photograph with a shadow"
    lattice = np.full((200, 200), 255, np.uint8)
    lattice[20:180:40, 20:180] = lattice[20:180, 20:180:40] = 0
    assert drop(page, Image.fromarray(lattice)) == "no answer"


def test_a_file_that_is_no_picture_gets_a_message(page: Page) -> None:
    page.set_input_files("#file", {"name": "x.png", "mimeType": "image/png", "buffer": b"text"})
    expect(page.locator("#answer")).to_have_text("no picture")
    assert "Open a PNG or JPEG picture." in page.inner_text("#detail")


def test_every_control_has_a_name(page: Page) -> None:
    """As a screen reader announces it."""
    tree = page.locator("body").aria_snapshot()
    for control in (
        'button "Clear"',
        'button "Example"',
        "Open a picture",
        'application "Drawing area.',
        'list "Scores"',
    ):
        assert control in tree, control
    page.click("#example")
    assert settled(page) in set("0123456789")
