"""``scripts/tool training network``: networks given in words."""

from pathlib import Path

import numpy as np
import pytest

from mnist_tools.training import network, pen
from mnist_tools.training.network import build_network, shortened
from mnist_trainer import Splits, architecture


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("tiny", "5x12/2 3x13 3x15 pool 3x20 mean"),
        ("cnn", "5x16 pool 3x24= 3x24= pool/1 3x26=@2 3x26@2 mean"),
    ],
)
def test_the_words_of_an_architecture_give_its_network(name: str, words: str) -> None:
    built, own = build_network(words.split()), architecture(name).build()
    assert [weights.shape for weights in built.get_weights()] == [weights.shape for weights in own.get_weights()]
    assert [layer.output.shape for layer in built.layers[1:]] == [layer.output.shape for layer in own.layers]


def test_padding_keeps_the_size() -> None:
    assert build_network(["3x4=", "flatten"]).get_layer("relu1").output.shape == (None, 28, 28, 4)


@pytest.mark.parametrize(
    ("word", "kernels", "last"),
    [
        ("s3x5/2", [(3, 3, 4, 1), (1, 1, 4, 5)], "ReLU"),
        ("3b3x5=", [(1, 1, 4, 12), (3, 3, 12, 1), (1, 1, 12, 5)], "BatchNormalization"),
        ("s3x4=+", [(3, 3, 4, 1), (1, 1, 4, 4)], "Add"),
        ("3x4=+", [(3, 3, 4, 4)], "Add"),
        ("se2", [(1, 1, 4, 2), (1, 1, 2, 4)], "Multiply"),
    ],
)
def test_a_word_gives_its_convolutions(word: str, kernels: list[tuple[int, ...]], last: str) -> None:
    built = build_network(["3x4", word, "mean"])
    assert [w.shape for w in built.get_weights() if w.ndim == 4] == [(3, 3, 1, 4), *kernels]
    assert type(built.layers[-3]).__name__ == last


def test_cross_entropy_is_that_of_the_best_temperature(digits: Splits) -> None:
    model = build_network(["3x4/2", "mean"])
    before = network.cross_entropy(model, digits.test)
    model.layers[-1].set_weights([0.5 * weights for weights in model.layers[-1].get_weights()])
    assert network.cross_entropy(model, digits.test) == pytest.approx(before, rel=1e-3)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["5x12", "relu", "mean"], "'relu' is no layer"),
        (["5x12", "pool"], "The last word"),
        (["5x12", "3x12+", "mean"], "cannot be added"),
        (["30x12", "mean"], "30"),
    ],
)
def test_other_words_are_refused(words: list[str], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        build_network(words)


def test_a_recipe_is_shortened() -> None:
    recipe = shortened(architecture("cnn").recipe, 24)
    assert (recipe.epochs, recipe.cached_epochs, recipe.final_epochs) == (24, 8, 18)
    assert shortened(architecture("mlp").recipe, 24).cached_epochs is None


@pytest.mark.slow
def test_a_row_has_size_and_accuracy(
    digits: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pen, "load_data", lambda _: digits._replace(train=digits.test))
    monkeypatch.setattr(pen, "OUT_OF_FOLD", 300)
    monkeypatch.setattr(pen, "CORRUPTED", 100)
    np.savez(tmp_path / "more.npz", images=digits.train.images, labels=digits.train.labels)
    words = ["5x8/2", "3x12", "pool", "mean", "--like", "strided", "--epochs", "16"]
    assert network.main([*words, "--others", str(tmp_path / "more.npz")]) == 0
    title, _, row = capsys.readouterr().out.splitlines()
    assert title.startswith("| network | parameters | multiplications | bytes | out of fold | scikit-learn |")
    name, *cells = (cell.strip() for cell in row.strip("|").split("|"))
    parameters, multiplications, size, out_of_fold, *_ = (float(cell.replace(",", "")) for cell in cells)
    assert name == "5x8/2 3x12 pool mean, seed 0"
    assert parameters == build_network(words[:4]).count_params()
    assert multiplications > size > parameters
    assert out_of_fold > 50
