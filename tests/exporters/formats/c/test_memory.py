"""No value lies where another one is still needed, nor outside of the buffer."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from mnist_exporters.formats.c.graph import Call, Program, Step, Value
from mnist_exporters.formats.c.memory import Memory, scratch_number
from mnist_runtime import QuantParams


def program_of(sizes: list[int], *steps: Step) -> Program:
    """Return a program from value 0 to the last one, whose values have these numbers of bytes."""
    values = {number: Value((1, size), "int8") for number, size in enumerate(sizes)}
    return Program(values, steps, 0, len(sizes) - 1, QuantParams(1 / 256, -128, "int8"), "int8")


def step(output: int, *inputs: int, in_place: bool = False, scratch: int = 0) -> Step:
    return Step("any", (Call(inputs, {}),), output, in_place, scratch)


def test_the_buffer_ends_after_its_highest_value() -> None:
    """The smallest is placed last, above two that are still needed."""
    memory = Memory.of(program_of([8, 8, 4, 1], step(1, 0), step(2, 1, 0), step(3, 2)))
    assert (memory.offsets, memory.size) == ({0: 0, 1: 8, 2: 16}, 20)


def test_a_value_that_is_read_later_is_not_overwritten() -> None:
    free = Memory.of(program_of([8, 8, 1], step(1, 0, in_place=True), step(2, 1)))
    assert free.offsets == {0: 0, 1: 0}
    needed = Memory.of(program_of([8, 8, 1], step(1, 0, in_place=True), step(2, 1, 0)))
    assert sorted(needed.offsets.values()) == [0, 8]


@given(st.data())
def test_values_that_are_needed_at_the_same_time_do_not_overlap(data: st.DataObject) -> None:
    count = data.draw(st.integers(2, 8))
    sizes = data.draw(st.lists(st.integers(1, 40), min_size=count + 1, max_size=count + 1))
    steps = []
    for place in range(count):
        inputs = data.draw(st.lists(st.integers(0, place), min_size=1, max_size=3, unique=True))
        in_place = sizes[place + 1] <= sizes[inputs[0]] and data.draw(st.booleans())
        steps.append(step(place + 1, *inputs, in_place=in_place, scratch=data.draw(st.sampled_from([0, 6]))))
    memory = Memory.of(program_of(sizes, *steps))

    lives = {0: (0, 0)}  # the number of a value -> the first and the last step that needs it
    for place, each in enumerate(steps):
        lives |= {number: (lives[number][0], place) for number in each.inputs}
        lives[each.output] = (place, place)
        if each.scratch:
            lives[scratch_number(place)] = (place, place)
    del lives[count]
    assert set(memory.offsets) == set(lives)
    ends = {number: memory.offsets[number] + (sizes[number] if number >= 0 else 6) for number in lives}
    assert max(ends.values()) <= memory.size
    assert all(offset % 4 == 0 for offset in memory.offsets.values())
    overwritten = {(each.inputs[0], each.output) for each in steps if each.in_place}
    for one, other in combinations(sorted(lives), 2):
        (first, last), (other_first, other_last) = lives[one], lives[other]
        if (one, other) in overwritten and last == other_first:
            continue
        if first <= other_last and other_first <= last:
            assert ends[one] <= memory.offsets[other] or ends[other] <= memory.offsets[one]
