"""A query comes from another bank: nothing in it may become SQL, and no small group may leave."""

import json
from datetime import date
from pathlib import Path

import duckdb
import pytest

from node.errors import ConfigError, Refused
from node.gateway import sources
from node.gateway.sources import CsvSource
from node.sdk.query import Measure, aggregate_query, record_query
from node.spec.crypto import keccak256
from node.spec.types import Hash32

from .kit import COUNTS, MANIFEST, PURPOSE, RECORD, ROWS, SUBJECT, source


@pytest.fixture
def data(tmp_path: Path) -> CsvSource:
    return source(tmp_path)


def test_one_subjects_fields(data: CsvSource) -> None:
    answer = data.record(RECORD, SUBJECT)
    assert (json.loads(answer.text), answer.record_count) == ({"age": "1", "job": "A"}, 1)


def test_an_unknown_subject_is_refused(data: CsvSource, tmp_path: Path) -> None:
    other = Hash32(b"\x07" * 32)
    with pytest.raises(Refused, match="unknown subject"):
        data.record(RECORD, other)
    for row in (0, 999, -1):
        text = json.dumps({"0x" + other.hex(): row})
        (tmp_path / "subjects.json").write_text(text, encoding="utf-8")
        with pytest.raises(Refused, match="no such record"):
            data.record(RECORD, other)


def test_a_new_subject_needs_no_restart(data: CsvSource, tmp_path: Path) -> None:
    other = Hash32(b"\x07" * 32)
    text = json.dumps({"0x" + other.hex(): 8})
    (tmp_path / "subjects.json").write_text(text, encoding="utf-8")
    assert json.loads(data.record(RECORD, other).text) == {"age": "1", "job": "B"}


def test_small_groups_are_withheld_and_counted(data: CsvSource) -> None:
    answer = data.aggregate(COUNTS, 1)
    assert len(json.loads(answer.text)["groups"]) == 3
    strict = json.loads(data.aggregate(COUNTS, 7).text)
    assert (strict["groups"], strict["groups_withheld"]) == ([], 3)


def test_one_small_group_is_not_the_total_minus_the_rest(data: CsvSource) -> None:
    """Of 6, 5 and 1 records the last is below five: alone it would be what the others leave."""
    answer = data.aggregate(COUNTS, 5)
    body = json.loads(answer.text)
    assert [(group["job"], group["count"]) for group in body["groups"]] == [("A", 6)]
    assert body["groups_withheld"] == 2
    assert answer.record_count == 6


@pytest.mark.parametrize(
    ("sizes", "minimum", "told"),
    [
        ([], 5, []),
        ([5, 5], 5, [5, 5]),
        ([9, 3, 2, 7], 5, [9, 7]),
        ([9, 4, 7], 5, [9]),
        ([4], 5, []),
        ([4, 100], 5, []),
        ([6, 6, 1], 5, [6]),
    ],
)
def test_what_is_withheld_is_itself_a_group(
    sizes: list[int], minimum: int, told: list[int]
) -> None:
    rows = [(f"group {index}", size) for index, size in enumerate(sizes)]
    assert [row[-1] for row in sources._told(rows, minimum)] == told


def test_measures(data: CsvSource) -> None:
    measures = [Measure("average", "age"), Measure("sum", "age"), Measure("share", "age", "0")]
    body = json.loads(data.aggregate(aggregate_query(PURPOSE, ["job"], measures), 6).text)
    assert body["groups"] == [
        {"job": "A", "average_age": 2.5, "sum_age": 15.0, "share_age_0": None, "group_size": 6}
    ]


def test_a_share_of_a_few_is_not_told(tmp_path: Path) -> None:
    rows = ["1,A"] * 3 + ["0,A"] * 4 + ["1,B"] * 2 + ["0,B"] * 5 + ["1,C"] * 7
    file = tmp_path / "shares.csv"
    file.write_text("\n".join(rows) + "\n", encoding="utf-8")
    shares = CsvSource(file, ("age", "job", "subject"), tmp_path / "subjects.json")
    query = aggregate_query(PURPOSE, ["job"], [Measure("share", "age", "1")])
    groups = json.loads(shares.aggregate(query, 5).text)["groups"]
    found = {group["job"]: group["share_age_1"] for group in groups}
    assert found == {"A": 0.4286, "B": None, "C": None}


INJECTIONS = [
    'job" FROM data; DROP TABLE data; --',
    "job, secret",
    "*",
    "subject_row",
    "subject",
    "job) UNION SELECT * FROM read_csv('/etc/passwd'",
    "",
    "JOB",
]


@pytest.mark.parametrize("name", INJECTIONS)
def test_a_field_that_is_sql_is_only_an_unknown_field(data: CsvSource, name: str) -> None:
    queries = [record_query(PURPOSE, [name])] if name else []
    for query in queries:
        with pytest.raises(Refused, match="unknown field"):
            data.record(query, SUBJECT)
        with pytest.raises(Refused, match="unknown field"):
            data.aggregate(aggregate_query(PURPOSE, [name], [Measure("count", "")]), 5)
    if name:
        with pytest.raises(Refused, match="unknown field"):
            data.aggregate(aggregate_query(PURPOSE, ["job"], [Measure("sum", name)]), 5)
    assert len(json.loads(data.aggregate(COUNTS, 1).text)["groups"]) == 3


@pytest.mark.parametrize("value", ["' OR 1=1 --", "0'; DROP TABLE data; --", '"', "\\"])
def test_a_value_that_is_sql_is_only_a_value(data: CsvSource, value: str) -> None:
    query = aggregate_query(PURPOSE, ["job"], [Measure("share", "age", value)])
    groups = json.loads(data.aggregate(query, 5).text)["groups"]
    assert {group[f"share_age_{value}"] for group in groups} == {None}


def test_the_database_reaches_nothing_else(data: CsvSource) -> None:
    for sql in ("SELECT * FROM read_csv('/etc/hostname')", "COPY data TO '/dev/null'"):
        with pytest.raises(duckdb.Error):
            data._database.execute(sql)
    with pytest.raises(duckdb.Error):
        data._database.execute("SET enable_external_access=true")


def test_what_cannot_be_computed_is_refused_without_values(data: CsvSource) -> None:
    query = aggregate_query(PURPOSE, ["age"], [Measure("average", "job")])
    with pytest.raises(Refused, match="cannot be computed") as caught:
        data.aggregate(query, 1)
    assert "'A'" not in caught.value.why


def test_an_answer_has_a_bound(data: CsvSource, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "ROWS_MAX", 2)
    with pytest.raises(Refused, match="too large"):
        data.aggregate(COUNTS, 1)
    monkeypatch.setattr(sources, "ROWS_MAX", 3)
    assert json.loads(data.aggregate(COUNTS, 5).text)["groups"]


def test_the_fingerprint_is_the_files(data: CsvSource) -> None:
    assert data.fingerprint() == keccak256(("\n".join(ROWS) + "\n").encode())


def test_files_that_do_not_fit_are_named(tmp_path: Path) -> None:
    source(tmp_path)
    (tmp_path / "wrong.csv").write_text("only,two\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="not the CSV"):
        CsvSource(tmp_path / "wrong.csv", MANIFEST.names, tmp_path / "subjects.json")
    with pytest.raises(ConfigError, match="cannot be read"):
        CsvSource(tmp_path / "none.csv", MANIFEST.names, tmp_path / "subjects.json")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"0x00": "one"}', "5"])
def test_a_malformed_subjects_file_is_named(data: CsvSource, tmp_path: Path, text: str) -> None:
    (tmp_path / "subjects.json").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="subjects"):
        data.record(RECORD, SUBJECT)


DATED = ("subject", "day", "job")


def dated(folder: Path) -> CsvSource:
    rows = [f"2027-01-{day:02},{job}" for day in (1, 10, 20) for job in ("A", "A", "B")]
    (folder / "dated.csv").write_text("\n".join([*rows, "unknown,A"]) + "\n", encoding="utf-8")
    (folder / "people.json").write_text(f'{{"0x{SUBJECT.hex()}": 3}}', encoding="utf-8")
    return CsvSource(folder / "dated.csv", DATED, folder / "people.json", "day")


def test_no_record_from_before_the_look_back_is_told(tmp_path: Path) -> None:
    data, query = dated(tmp_path), aggregate_query(PURPOSE, ["job"], [Measure("count", "")])
    counts = {since: json.loads(data.aggregate(query, 1, since).text) for since in SINCE}
    told = [[group["count"] for group in body["groups"]] for body in counts.values()]
    assert told == [[7, 3], [6, 3], [4, 2], [2, 1]]
    one = record_query(PURPOSE, ["job"])
    assert json.loads(data.record(one, SUBJECT, date(2027, 1, 1)).text) == {"job": "B"}
    with pytest.raises(Refused, match="no such record"):
        data.record(one, SUBJECT, date(2027, 1, 2))


SINCE = (None, date(2027, 1, 1), date(2027, 1, 2), date(2027, 1, 20))


def test_a_look_back_into_data_without_dates_is_refused(data: CsvSource) -> None:
    with pytest.raises(Refused, match="product has no dates"):
        data.aggregate(COUNTS, 1, date(2027, 1, 1))
    with pytest.raises(Refused, match="product has no dates"):
        data.record(RECORD, SUBJECT, date(2027, 1, 1))


@pytest.mark.parametrize(
    "entry", ['{"row": 2}', '{"row": 2, "key": "0x00"}', '{"row": "2", "key": ""}', "true", "[]"]
)
def test_a_malformed_subject_is_named(data: CsvSource, tmp_path: Path, entry: str) -> None:
    (tmp_path / "subjects.json").write_text(f'{{"0x00": {entry}}}', encoding="utf-8")
    with pytest.raises(ConfigError, match="subjects"):
        data.record(RECORD, SUBJECT)
