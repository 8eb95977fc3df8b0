"""device."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys

from mnist_runtime.errors import ArtifactError, BackendError


def self_test_command(arguments: argparse.Namespace) -> int:
    """Run ``mnist-runtime self-test``."""
    from mnist_runtime.device.self_test import self_test

    found = self_test(arguments.model, backend=arguments.backend)
    if arguments.json:
        json.dump({**dataclasses.asdict(found), "passed": found.passed}, sys.stdout, indent=2)
        print()
    else:
        print(
            f"{'passed' if found.passed else 'FAILED'}: {found.images - found.different} of {found.images} answers as "
            f"recorded, scores within {found.max_score_error:.2g} (bound {found.bound:.2g})\n"
            f"recorded with {found.recorded_with}, run with {found.run_with}"
        )
    if found.passed:
        return 0
    raise ArtifactError(
        f"Expected the recorded answers from {arguments.model or 'the ready model'}, this interpreter gave others; "
        "try another with --backend, or update it."
    )


def doctor_command(arguments: argparse.Namespace) -> int:
    """Run ``mnist-runtime doctor``."""
    import platform

    import numpy as np

    from mnist_runtime import BACKENDS
    from mnist_runtime.device.doctor import examine

    here = {"python": platform.python_version(), "machine": platform.machine(), "numpy": np.__version__}
    found = [examine(name) for name in BACKENDS]
    if arguments.json:
        json.dump({**here, "backends": [dataclasses.asdict(one) for one in found]}, sys.stdout, indent=2)
        print()
    else:
        print(", ".join(f"{name} {value}" for name, value in here.items()))
        for one in found:
            print(f"{one.backend:16}{one.state:9}{one.detail}{f' -> {one.fix}' if one.fix else ''}")
    if any(one.state == "works" for one in found):
        return 0
    raise BackendError("Expected at least one interpreter that works here, found none; see the lines above.")
