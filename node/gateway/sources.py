"""Where a gateway's data is: a `Source` answers queries on the provider's own file.

`CsvSource` loads the file into DuckDB, in memory, with access to anything else switched off. Names
in a query are looked up in the schema and quoted, values are bound, so no text of a consumer
becomes SQL. The field `subject` is the row's number, known to the provider only: it finds one
person's row and is never delivered. Where the terms limit how far back data may reach, records from
before that day, by the product's date field, stay out of every answer; so do those without a date.

An answer in groups protects the few in it: groups below the terms' minimum are withheld, what is
withheld together is itself no smaller than that minimum (else the total minus the rest would show
it), and a share is left out where the counted, or those left, are a few. Differences between the
answers of several queries are not watched.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final, Protocol

import duckdb

from node.errors import ConfigError, Refused
from node.sdk.query import Measure, Query, canonical
from node.spec.crypto import keccak256
from node.spec.types import Address, Hash32

ROWS_MAX: Final = 10_000
"""Groups or records one answer may hold."""

SUBJECT_FIELD: Final = "subject"

FEW: Final = 3
"""A share that fewer than this many records make, or are left out of, is not told."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A query's result as canonical JSON, and how many records of persons it delivers."""

    text: str
    record_count: int


@dataclass(frozen=True, slots=True)
class Subject:
    """A person as the provider knows one: the row, and the key it vouches for (R3)."""

    row: int
    key: Address | None = None


class Source(Protocol):
    """Answers queries on a product's data."""

    def fingerprint(self) -> Hash32:
        """Return a digest of the data that answers are made from."""
        ...

    def record(self, query: Query, subject_reference: Hash32, since: date | None = None) -> Answer:
        """Return the fields of the one person a reference stands for."""
        ...

    def aggregate(self, query: Query, minimum_group: int, since: date | None = None) -> Answer:
        """Return groups of at least `minimum_group` records."""
        ...

    def subject_key(self, subject_reference: Hash32) -> Address | None:
        """Return the key that the provider vouches for as a subject's, None where it knows none."""
        ...


class CsvSource:
    """A CSV file without header; its columns are the product's fields but the subject's."""

    def __init__(
        self, file: Path, names: Sequence[str], subjects: Path, date_field: str = ""
    ) -> None:
        self._date_field = date_field
        self._names = tuple(name for name in names if name != SUBJECT_FIELD)
        self._subjects_file = subjects
        self._fingerprint = keccak256(_read(file))
        self._database = duckdb.connect(":memory:", config={"threads": "1"})
        self._load(file)

    def _load(self, file: Path) -> None:
        columns = dict.fromkeys(self._names, "VARCHAR")
        try:
            self._database.execute(
                "CREATE TABLE data AS SELECT *, row_number() OVER () AS subject_row "
                "FROM read_csv(?, header=false, columns=?, auto_detect=false, strict_mode=true)",
                [str(file), columns],
            )
        except duckdb.Error as error:
            raise ConfigError(
                f"{file}: not the CSV the product describes",
                why=str(error).splitlines()[0],
                next_command=f"compare its columns with the product's {len(self._names)} fields",
            ) from error
        self._database.execute("SET enable_external_access=false")
        self._database.execute("SET lock_configuration=true")

    def fingerprint(self) -> Hash32:
        """Return keccak256 of the file as it was loaded."""
        return self._fingerprint

    def record(self, query: Query, subject_reference: Hash32, since: date | None = None) -> Answer:
        """Return the fields of the one person a reference stands for."""
        row = self._subject(subject_reference).row
        columns = ", ".join(self._quoted(name) for name in query.fields)
        parameters: list[Any] = [row]
        reach = self._reach(since, parameters)
        found = self._rows(
            f"SELECT {columns} FROM data WHERE subject_row = ? AND {reach}", parameters
        )
        if len(found) != 1:
            raise Refused("gateway: no such record", why="the subject is not in the data")
        return Answer(canonical(dict(zip(query.fields, found[0], strict=True))), 1)

    def aggregate(self, query: Query, minimum_group: int, since: date | None = None) -> Answer:
        """Return groups of at least `minimum_group` records."""
        groups = ", ".join(self._quoted(name) for name in query.fields)
        parameters: list[Any] = []
        measures = "".join(", " + self._measure(part, parameters) for part in query.measures)
        reach = self._reach(since, parameters)
        rows = self._rows(
            f"SELECT {groups}{measures}, count(*) FROM data WHERE {reach} "
            f"GROUP BY {groups} ORDER BY {groups}",
            parameters,
        )
        told = _told(rows, minimum_group)
        names = [*query.fields, *(_title(part) for part in query.measures), "group_size"]
        listed = [dict(zip(names, row, strict=True)) for row in told]
        text = canonical({"groups": listed, "groups_withheld": len(rows) - len(told)})
        return Answer(text, sum(row[-1] for row in told))

    def subject_key(self, subject_reference: Hash32) -> Address | None:
        """Return the key that the provider vouches for as a subject's, None where it knows none."""
        return self._subject(subject_reference).key

    def _reach(self, since: date | None, parameters: list[Any]) -> str:
        """Return the condition that keeps out what is older than the terms let data be."""
        if since is None:
            return "true"
        if not self._date_field:
            raise Refused("gateway: product has no dates", why="the terms limit its look-back")
        parameters.append(since)
        return f"TRY_CAST({self._quoted(self._date_field)} AS DATE) >= ?"

    def _measure(self, measure: Measure, parameters: list[Any]) -> str:
        if measure.function == "count":
            return "count(*)"
        column = self._quoted(measure.field)
        if measure.function == "share":
            parameters += [measure.equals] * 3
            met, missed = f"count_if({column} = ?)", f"count_if({column} IS DISTINCT FROM ?)"
            share = f"round(count_if({column} = ?) / count(*), 4)"
            return f"CASE WHEN least({met}, {missed}) >= {FEW} THEN {share} END"
        function = "avg" if measure.function == "average" else "sum"
        return f"round({function}(CAST({column} AS DOUBLE)), 4)"

    def _quoted(self, name: str) -> str:
        if name not in self._names:
            raise Refused("gateway: unknown field", why=f"the product has no field {name!r}")
        return '"' + name.replace('"', '""') + '"'

    def _rows(self, sql: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
        try:
            found: list[tuple[Any, ...]] = self._database.execute(sql, parameters).fetchmany(
                ROWS_MAX + 1
            )
        except duckdb.Error as error:
            # The database's own text may quote a cell, so it goes neither out nor into a log.
            why = f"{type(error).__name__}: does every measure fit its field?"
            raise Refused("gateway: the query cannot be computed", why=why) from None
        if len(found) > ROWS_MAX:
            raise Refused("gateway: answer too large", why=f"more than {ROWS_MAX} rows")
        return found

    def _subject(self, subject_reference: Hash32) -> Subject:
        subject = self._subjects().get("0x" + subject_reference.hex())
        if subject is None:
            raise Refused(
                "gateway: unknown subject", why="the provider knows no one by this reference"
            )
        return subject

    def _subjects(self) -> Mapping[str, Subject]:
        """Return subjects by reference, read anew so that a new approval needs no restart."""
        try:
            value = json.loads(_read(self._subjects_file))
            return {str(reference): _subject(entry) for reference, entry in value.items()}
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            raise ConfigError(
                f"{self._subjects_file}: maps subject references to row numbers, or to row and key"
            ) from error


def _subject(entry: Any) -> Subject:
    if isinstance(entry, int) and not isinstance(entry, bool):
        return Subject(entry)
    key = bytes.fromhex(entry["key"].removeprefix("0x"))
    if set(entry) != {"row", "key"} or not isinstance(entry["row"], int) or len(key) != 20:
        raise ValueError("a subject has row and key")
    return Subject(entry["row"], Address(key))


def _told(rows: Sequence[tuple[Any, ...]], minimum: int) -> list[tuple[Any, ...]]:
    """Return the groups that may be told; a row ends with its group's size.

    Where the small groups withheld come to fewer than `minimum` records, the smallest of the others
    goes with them.
    """
    ranked = sorted(range(len(rows)), key=lambda index: (rows[index][-1], index))
    withheld, count = set[int](), 0
    for index in ranked:
        if rows[index][-1] >= minimum and (count == 0 or count >= minimum):
            break
        withheld.add(index)
        count += rows[index][-1]
    return [row for index, row in enumerate(rows) if index not in withheld]


def _title(measure: Measure) -> str:
    parts = (measure.function, measure.field, measure.equals)
    return "_".join(part for part in parts if part)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read", why=str(error.strerror)) from error
