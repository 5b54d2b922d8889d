"""A batch's event taken apart: what it settled of each lease, as events of their own.

A batch names its leases in the data of one event, because a topic for each would cost more than
settling it. Here each range becomes a `RangeSettled` of its lease, so that every later check sees
of a lease the same kind of events, whichever way its receipts were anchored.
"""

from collections.abc import Iterator

from node.sdk.abi import Event
from node.spec.usage import Ranges, UseRange, lease_id, unpack_ranges


def ranges_of(event: Event) -> tuple[UseRange, ...]:
    """Return the ranges that a `BatchAnchored` names."""
    names = ("authorizations", "ranges", "lasts")
    return unpack_ranges(Ranges(*(tuple(event.values[name]) for name in names)))


def taken_apart(event: Event) -> Iterator[Event]:
    """Yield an event, and after a batch's one for each of its ranges.

    `lastReceipt` is zero where the range closes the lease: no receipt follows, so none is named.

    Raises:
        DecodeError: the batch's lists do not fit each other.
    """
    yield event
    if event.name == "BatchAnchored":
        for entry in ranges_of(event):
            yield Event(event.contract, "RangeSettled", _values(event, entry))


def _values(event: Event, entry: UseRange) -> dict[str, object]:
    return {
        "lease": lease_id(entry.authorization, entry.lease),
        "batch": event.values["batch"],
        "first": entry.first,
        "last": entry.last,
        "lastReceipt": entry.last_receipt,
        "closes": entry.closes,
    }
