"""What is made late must equal what is made at once, and be made only once."""

from node.execution.lazy import LazyMapping, LazySequence


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
