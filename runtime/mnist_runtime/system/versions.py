"""`installed_version`: the version of a package, whatever distribution it comes in."""

from __future__ import annotations

import importlib

__all__ = ["installed_version"]


def installed_version(package: str, module: str = "") -> str:
    """Return the installed version of a package.

    Its module may come in another distribution, such as that of ``onnxruntime-gpu``, ``tensorflow-cpu`` or Debian. Then
    it is what the module says, or ``"unknown"``.

    Parameters
    ----------
    package : str
        Name of the package, such as ``"onnxruntime"``.
    module : str, optional
        Name of its module. Default: that of the package, with underscores.

    Raises
    ------
    ImportError
        If it is not installed.

    Examples
    --------
    >>> import numpy
    >>> installed_version("numpy") == installed_version("numpy-of-debian", "numpy") == numpy.__version__
    True
    """
    from importlib import metadata  # slow: it imports the e-mail parser

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        found = importlib.import_module(module or package.replace("-", "_"))
        return str(getattr(found, "__version__", "unknown"))
