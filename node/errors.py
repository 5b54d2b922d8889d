"""Every error Dataccord raises on purpose, as one tree.

The tree, each leaf with the exit code a command ends with:

    DataccordError
    ├── UsageError               2   a command line that cannot be understood
    ├── ConfigError              3   a configuration, key or certificate file that cannot be used
    │   ├── AddressInUse         3   a port that another process already serves
    │   └── FolderInUse          3   a store that another process has open
    ├── NotReady                 4   the thing asked for is not there yet, try again later
    ├── Refused                  1   a rule of contract, gateway or pool says no; `.reason` names it
    │   └── Reverted             1   a contract reverted with a reason
    ├── InvalidTransaction       1   a transaction that can never be, or is not now, executable
    ├── RemoteError              4   a peer or node answered something unusable
    └── IntegrityError           5   data contradicts itself or its proof
        ├── DecodeError          5   bytes that are not the canonical form of anything
        ├── SignatureError       5   a signature that recovers to no key, or not the expected one
        ├── ProofError           5   a Merkle proof that does not lead to its root
        ├── SealError            5   a header whose commit seals are not a quorum
        ├── InvalidBlock         5   a block that breaks a rule of validity
        ├── StoreError           5   a store that is damaged or belongs to another chain
        ├── EquivocationRefused  5   a second value for one height, round and kind was to be signed
        └── EngineFault          5   an engine failed where the shared rules had said "valid"

Our own fault and a peer's are told apart by where an error is caught: a `DecodeError` raised while
reading a frame is the peer's, and the session turns it into a mark against that peer.
"""

import errno


class DataccordError(Exception):
    """Base of all expected faults: what went wrong, why, and what to do next."""

    code = 1

    def __init__(self, what: str, *, why: str = "", next_command: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.next_command = next_command

    def diagnostics(self) -> str:
        """Return the lines a human needs: what, why, and the next command."""
        lines = [f"error: {self.what}"]
        if self.why:
            lines.append(f"why:   {self.why}")
        if self.next_command:
            lines.append(f"next:  {self.next_command}")
        return "\n".join(lines)


class UsageError(DataccordError):
    """A command line that cannot be understood."""

    code = 2


class ConfigError(DataccordError):
    """A configuration, key or certificate file that cannot be used."""

    code = 3


class AddressInUse(ConfigError):
    """A port that another process already serves."""

    @classmethod
    def on(cls, port: int, error: OSError) -> "AddressInUse":
        """Return the error for a port that could not be bound."""
        return cls(
            f"port {port} cannot be served",
            why=str(error.strerror),
            next_command=f"find who holds it: ss -ltnp 'sport = :{port}'"
            if error.errno == errno.EADDRINUSE
            else "check host and port in the configuration",
        )


class FolderInUse(ConfigError):
    """A store that another process has open."""


class NotReady(DataccordError):
    """The thing asked for is not there yet."""

    code = 4


class RemoteError(DataccordError):
    """A node or peer answered with an error, or with something unusable.

    `number` is its JSON-RPC error code where it gave one, `data` the bytes that came with it.
    """

    code = 4

    def __init__(
        self,
        what: str,
        *,
        why: str = "",
        next_command: str = "",
        number: int = 0,
        data: bytes = b"",
    ) -> None:
        super().__init__(what, why=why, next_command=next_command)
        self.number = number
        self.data = data


class Refused(DataccordError):
    """A rule of contract, gateway or pool says no.

    `reason` is the rule's short name, stable for scripts; the text explains it.
    """

    code = 1

    def __init__(self, reason: str, *, why: str = "", next_command: str = "") -> None:
        super().__init__(f"refused: {reason}", why=why, next_command=next_command)
        self.reason = reason


class Reverted(Refused):
    """A contract reverted with a reason."""


class InvalidTransaction(DataccordError):
    """A transaction that can never be, or is not now, executable.

    The message keeps geth's wording ("nonce too low"), because client libraries match on it.
    """

    code = 1


class IntegrityError(DataccordError):
    """Data that contradicts itself or its proof."""

    code = 5


class DecodeError(IntegrityError):
    """Bytes that are not the canonical form of anything."""


class SignatureError(IntegrityError):
    """A signature that recovers to no key, or not to the expected one."""


class ProofError(IntegrityError):
    """A Merkle proof that does not lead from its root to its value."""


class SealError(IntegrityError):
    """A header whose commit seals are not a quorum of its validators."""


class InvalidBlock(IntegrityError):
    """A block that breaks a rule of validity."""


class StoreError(IntegrityError):
    """A store that is damaged, locked or belongs to another chain."""


class EquivocationRefused(IntegrityError):
    """A second value for one height, round and kind was to be signed."""


class EngineFault(IntegrityError):
    """An execution engine failed where the shared rules had said "valid"."""
