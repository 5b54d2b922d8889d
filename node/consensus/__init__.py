"""QBFT as a pure machine, with the bytes of Besu 26.1 and later.

    messages   the four messages, their payloads, and drafts that wait for a signature
    encoding   their bytes, in both shapes that Besu has had
    intake     a decoder that remembers, so that repetition costs nothing
    rules      which messages are valid: predicates named as in the formal specification
    timing     when things are due
    events     what may happen, and what may be asked for: Event and Effect
    votes      bounded stores of what was received
    height     the transitions of one height, `upon_proposal` to `upon_round_change`
    machine    event in, effects out

`node.runtime.performer` performs the effects: it signs, records, and only then sends.
"""

from node.consensus.encoding import decode_message, encode_message
from node.consensus.events import Effect, Event
from node.consensus.intake import Intake
from node.consensus.machine import Machine
from node.consensus.timing import Settings

__all__ = ["Effect", "Event", "Intake", "Machine", "Settings", "decode_message", "encode_message"]
