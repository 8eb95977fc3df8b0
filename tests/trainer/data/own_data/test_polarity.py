import numpy as np
import pytest

from mnist_trainer.data.own_data.polarity import polarity


def on_paper(ink: int, paper: int, margin: int = 8, stain: int | None = None) -> np.ndarray:
    """Return an image of 28x28 pixels with a square of ink, and a smaller one beside it."""
    image = np.full((1, 28, 28), paper, np.uint8)
    image[:, margin:-margin, margin:-margin] = ink
    if stain is not None:
        image[:, 2:6, 2:6] = stain
    return image


LIGHT, DARK = on_paper(255, 0), on_paper(0, 255)


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (on_paper(255, 0, margin=2), ("light", "dark")),  # more ink than paper
        (on_paper(180, 100, stain=50), None),
        (on_paper(220, 100, stain=50), ("light", "dark")),
        (on_paper(0, 255, margin=2), ("dark", "light")),
        (np.concatenate([LIGHT] * 9 + [DARK]), None),
        (np.concatenate([LIGHT] * 19 + [DARK]), ("light", "dark")),
        (np.concatenate([DARK] * 9 + [LIGHT]), None),
    ],
)
def test_the_background_is_that_of_the_border_and_nearly_all_images_have_it(
    images: np.ndarray, expected: tuple[str, str] | None
) -> None:
    assert polarity(images) == expected
    assert polarity(np.repeat(images[..., None], 3, axis=3)) == expected
