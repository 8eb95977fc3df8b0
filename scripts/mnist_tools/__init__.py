"""Tools for developers: benchmarks, stress tests, studies, release steps and checks on emulated Pis.

They are not part of any released package.
"""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # as mnist_runtime does, which some tools do not import
