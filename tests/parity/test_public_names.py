import importlib

import pytest


@pytest.mark.parametrize("package", ["mnist_runtime", "mnist_trainer", "mnist_exporters"])
def test_public_names_exist_are_sorted_and_documented(package: str) -> None:
    module = importlib.import_module(package)
    classes_first = sorted(module.__all__, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
    assert module.__all__ == classes_first
    for name in module.__all__:
        assert getattr(module, name).__doc__, name


@pytest.mark.parametrize("package", ["mnist_runtime", "mnist_trainer", "mnist_exporters"])
def test_error_tree_in_the_docstring_has_every_error_with_its_exit_code(package: str) -> None:
    errors = importlib.import_module(f"{package}.errors")
    for name in errors.__all__:
        error = getattr(errors, name)
        if not isinstance(error, type):
            continue
        assert name in errors.__doc__
        if error.__module__ == errors.__name__ and error.exit_code != 1:
            line = next(line for line in errors.__doc__.splitlines() if name in line)
            assert f" {error.exit_code} " in line
