import json
import math
from dataclasses import asdict, replace

import pytest

from mnist_trainer import (
    ARCHITECTURES,
    PRESETS,
    CorruptionAugmentation,
    Distillation,
    NonDigits,
    PenDigits,
    Recipe,
    UsageError,
    architecture,
)

DISTILLATION = Distillation("cnn", fraction=0.9, temperature=4.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "epochs is 0, but must be at least 1"),
        ({"batch_size": 0}, "batch_size is 0, but must be at least 1"),
        ({"patience": 0}, "patience is 0, but must be at least 1"),
        ({"final_epochs": 0}, "final_epochs is 0, but must be at least 1"),
        ({"cached_epochs": 0}, "cached_epochs is 0, but must be at least 1"),
        ({"ema_steps": 0}, "ema_steps is 0, but must be at least 1"),
        ({"weight_decay": float("nan")}, "weight_decay is nan, but must be at least 0"),
        ({"peak_learning_rate": 0.0}, "must be above 0"),
        ({"peak_learning_rate": math.inf}, "must be above 0 and finite"),
        ({"optimizer": "newton"}, "no optimizer 'newton'. Choose one of: adam, adamw"),
        ({"schedule": "x"}, "Choose one of: one-cycle, constant"),
        ({"precision": "float8"}, "Choose one of: float32, mixed_bfloat16"),
        ({"validation_split": 0.0}, "must be between 0 and 1"),
        ({"validation_split": 1.0}, "must be between 0 and 1"),
        ({"ema_steps": 100, "patience": 3}, "ema_steps and patience exclude each other"),
        ({"distillation": DISTILLATION, "cached_epochs": None}, "distillation needs cached_epochs"),
        (
            {"distillation": DISTILLATION, "loss": "sparse_categorical_crossentropy"},
            "needs? a loss with one-hot labels",
        ),
        (
            {"distillation": None, "pen": PenDigits(0.1), "loss": "sparse_categorical_crossentropy"},
            "needs? a loss with one-hot labels",
        ),
        (
            {
                "distillation": None,
                "pen": None,
                "non_digits": NonDigits(0.1),
                "loss": "sparse_categorical_crossentropy",
            },
            "needs? a loss with one-hot labels",
        ),
        ({"pen": PenDigits(0.9, signs=0.2)}, "Pen digits and signs are 1.1 of a batch"),
        ({"pen": PenDigits(-0.1)}, "Pen digits and signs are -0.1 of a batch"),
    ],
    ids=str,
)
def test_a_recipe_with_a_wrong_setting_is_rejected(changes: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        replace(architecture("tiny").recipe, **changes)


def test_a_whole_batch_may_be_pen_digits_and_signs() -> None:
    assert replace(architecture("tiny").recipe, pen=PenDigits(0.75, signs=0.25)).pen == PenDigits(0.75, signs=0.25)


@pytest.mark.parametrize("owner", [*ARCHITECTURES.values(), *PRESETS.values()], ids=lambda owner: owner.summary)
def test_a_record_in_json_gives_the_recipe_back(owner) -> None:
    assert Recipe.from_record(json.loads(json.dumps(asdict(owner.recipe)))) == owner.recipe


def test_a_record_without_newer_settings_has_their_defaults() -> None:
    recipe = replace(architecture("cnn").recipe, corruptions=CorruptionAugmentation(0.5), pen=None)
    record = asdict(recipe)
    del record["pen"]
    del record["corruptions"]["kinds"]
    assert Recipe.from_record(record) == recipe
