import random

import pytest

from mnist_exporters.formats.onnx.canonical import canonical


@pytest.mark.parametrize("seed", range(3))
def test_the_order_in_which_a_converter_lists_constants_does_not_show(seed: int) -> None:
    from onnx import TensorProto, helper

    constants = [helper.make_tensor(f"{name}", TensorProto.FLOAT, [1], [name]) for name in (3, 1, 2)]
    nodes = [
        helper.make_node("Add", ["image", "1"], ["sum"]),
        helper.make_node("Mul", ["sum", "2"], ["product"]),
        helper.make_node("Sub", ["product", "3"], ["out"]),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 1]) for name in ("image", "out")]

    def content() -> bytes:
        graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], constants)
        return canonical(helper.make_model(graph))

    first = content()
    random.Random(seed).shuffle(constants)
    assert content() == first
