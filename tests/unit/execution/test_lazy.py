"""What is made late must equal what is made at once, and be made only once."""

import gc
import weakref

from node.execution.choice import NATIVE
from node.execution.lazy import LazyMapping, LazySequence
from tests.engines import load, needs_native

from .kit import environment
from .world import new_world


def test_a_sequence_is_made_item_by_item() -> None:
    asked: list[int] = []

    def make(index: int) -> str:
        asked.append(index)
        return str(index)

    items = LazySequence(4, make)
    assert (items[2], items[-2], items[2]) == ("2", "2", "2")
    assert asked == [2]
    assert items[1:3] == ("1", "2")
    assert items == ("0", "1", "2", "3")
    assert items != ("0", "1", "2")
    assert items != 4
    assert list(items) == ["0", "1", "2", "3"]


def test_a_mapping_is_made_at_the_first_look() -> None:
    made: list[int] = []

    def make() -> dict[str, int]:
        made.append(1)
        return {"a": 1}

    mapping = LazyMapping(make)
    assert made == []
    assert mapping == {"a": 1}
    assert mapping == {"a": 1}
    assert (mapping["a"], len(mapping), list(mapping), repr(mapping)) == (1, 1, ["a"], "{'a': 1}")
    assert made == [1]


@needs_native
def test_a_native_diff_goes_with_its_last_holder() -> None:
    world = new_world()
    found = load(NATIVE).engine.execute(environment(), [], [], world)
    held = weakref.ref(found.diff.accounts)
    assert dict(found.diff.accounts) == {}
    gc.disable()
    try:
        del found
        assert held() is None  # a cycle would keep a whole block until a collection
    finally:
        gc.enable()
