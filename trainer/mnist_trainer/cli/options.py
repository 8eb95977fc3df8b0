"""options."""

from __future__ import annotations

from mnist_trainer.data.load import DATASETS
from mnist_trainer.model_io.ready import READY_MODELS

DATA_HELP = (
    f"{', '.join(DATASETS)}, the path of an .npz file or of a folder of pictures, or auto: mnist where it can be had, "
    "else digits (default: auto)"
)


MODEL_HELP = f"{', '.join(READY_MODELS)}, or a .keras or .h5 file or a SavedModel folder"


TRUST_HELP = "run Python code in the model's file (Lambda layers); only for a file whose maker you know"


EXIT_CODES = "exit codes: 0 done, 1 bug, 2 wrong usage, 4 a package is missing, 5 bad model file, 6 bad data"
