"""How a revert reason becomes an exception class, and what each kind of refusal advises next.

A table of this package names each reason of a contract once: `NotActive = revert("leases: ...",
STANDING)`. The class is made from that line, so the reason on chain and the name in Python cannot
part. Its instances are `Reverted`, so who needs no detail catches that.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Final

from node.errors import Reverted

SHAPE: Final = "correct the value that the reason names, then send again"
TERMS: Final = "change what the reason names in the terms: dataccord authorization request --help"
MARKET: Final = "see what the market's rules allow: dataccord template check --help"
PARTY: Final = "send it with a party's account, or carry in that party's signature"
ROLE: Final = "send it with an account that holds the role: dataccord member permission --help"
MEMBER: Final = "see how the member stands: dataccord member show --help"
STANDING: Final = "see how the authorization stands: dataccord authorization record --help"
LEASE: Final = "see how the lease stands: dataccord lease record --help"
PRODUCT: Final = "see how the product stands: dataccord product version --help"
APPLICATION: Final = "see how the application stands: dataccord application show --help"
APPLY: Final = "apply for the data first: dataccord application file --help"
SANDBOX: Final = "see what the sandbox allows and has left: dataccord sandbox show --help"
RECORD: Final = "see what is on record under that id, then name the one that is meant"
WAIT: Final = "send it again once the time that the contract asks for is over"
LATE: Final = "the time for this is over: what remains is to state, to dispute or to lapse"
DONE: Final = "it is on record already: nothing is left to be done"
COUNT: Final = "ask for fewer, give back what is not used, or agree on new terms"
SIGNATURE: Final = "have the right key sign this very structure, for this chain and contract"
KEY: Final = "the key is compromised: its member's governor admits another"
SECOND: Final = "have a second person of the same role send the same call"
FROZEN: Final = "wait until the freeze ends or is lifted: dataccord freeze order --help"
CHAIN: Final = "go on from the last receipt that the contract holds: dataccord lease record --help"
PROOF: Final = "build batch, ranges and proof again from the journal"
INTERNAL: Final = "only another contract may call this: use the command of the act itself"
CAPACITY: Final = "a limit of the ledger is reached: something must end before this can begin"


class Revert(Reverted):
    """A contract's refusal by one reason; its subclasses are one for each reason."""

    contract: ClassVar[str]
    """The contract, or the shared module, whose rule it is."""
    text: ClassVar[str]
    """The reason as the contract says it."""
    advice: ClassVar[str]
    """What to do next."""

    def __init__(self, *, why: str = "") -> None:
        super().__init__(self.text, why=why, next_command=self.advice)


_classes: dict[str, type[Revert]] = {}
CLASSES: Final[Mapping[str, type[Revert]]] = MappingProxyType(_classes)
"""The class of every known reason."""


def revert(reason: str, advice: str) -> type[Revert]:
    """Return the class of a reason; each reason is named once only."""
    contract, _, words = reason.partition(": ")
    if reason in _classes or not words:
        raise ValueError(f"reverts: {reason!r} is named twice, or names no contract")
    members = {
        "__doc__": f"The contract said: {reason}.",
        "__module__": f"{__package__}.{contract}",
        "contract": contract,
        "text": reason,
        "advice": advice,
    }
    made = type(class_name(reason), (Revert,), members)
    _classes[reason] = made
    return made


def class_name(reason: str) -> str:
    """Return the name of a reason's class: its words without marks, each with a capital."""
    words = reason.partition(": ")[2].replace("'", "").replace("-", " ").split()
    return "".join(word[:1].upper() + word[1:] for word in words)
