"""Which command calls which method of which contract: one line each.

Options, their types and their help come from the ABI; what a line adds is the noun and verb, one
sentence, and for a parameter that is an index or a mask of the vocabulary the table it is of. A
test derives all external methods from the ABIs and fails on one that is neither here nor named with
the reason why no account can call it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Command:
    """One method as a command; `hints` overrides `values.HINTS` for some of its parameters."""

    verb: str
    contract: str
    method: str
    text: str
    hints: Mapping[str, str] = field(default_factory=dict)


_PROPOSED: Final = {"kind": "proposal_kind"}
_PARAMETER: Final = {"parameter": "parameter"}

NOUNS: Final[Mapping[str, str]] = {
    "member": "members of the consortium, their accounts, nodes and certificates",
    "governance": "proposals, ballots and what they decide on",
    "product": "data products of the catalog",
    "zone": "zones of the catalog and what they admit",
    "template": "standard contracts that terms are made under",
    "list": "the negative and the cautious list",
    "authorization": "who allowed whom to use which data",
    "delegation": "who may approve in a data subject's place",
    "export": "persons whose data leave the country, counted by year",
    "consent": "data subjects' consents to single uses",
    "sealed": "sealed authorizations, which a regulator carries (anti-money-laundering)",
    "lease": "reservations of uses, from opening to closing",
    "receipt": "records of uses: settled, challenged, proved",
    "statement": "what each side states of a period, and payments",
    "obligation": "duties that follow uses, each with a date",
    "dispute": "receipts disputed, answered, ruled on and appealed",
    "freeze": "a regulator's freezes",
    "inspection": "a regulator's inspections and roots of access logs",
}
"""Each noun with what it is about."""

TABLE: Final[Mapping[str, tuple[Command, ...]]] = {
    "member": (
        Command("show", "members", "member", "show a member's record"),
        Command("find", "members", "memberByIdentifier", "find a member by its LEI or USCC"),
        Command("count", "members", "memberCount", "count the members"),
        Command("kind", "members", "kindOf", "show what kind of entity a member is"),
        Command("of", "members", "memberOf", "show which member an account acts for"),
        Command("permission", "members", "permission", "show an account's packed permission"),
        Command("standings", "members", "standings", "show the packed standing of two members"),
        Command("standing", "members", "standing", "show an account's member, roles and kind"),
        Command("approver", "members", "approver", "show for whom an account may approve"),
        Command("compromised", "members", "isCompromised", "show whether a key is compromised"),
        Command("home", "members", "homeOf", "show a member's jurisdiction and head office"),
        Command("gateways", "members", "gateways", "show the members of two gateway accounts"),
        Command("keys", "members", "keyPair", "show the accounts behind two key numbers"),
        Command("node", "members", "nodeMember", "show which member a node belongs to"),
        Command(
            "certificate", "members", "certificate", "show a certificate authority of a member"
        ),
        Command("admit-account", "members", "admitAccount", "give an account of this member roles"),
        Command("revoke-account", "members", "revokeAccount", "end an account of this member"),
        Command("set-approvals", "members", "setApprovals", "say how many approvers must agree"),
        Command("admit-node", "members", "admitNode", "admit a node of this member"),
        Command("revoke-node", "members", "revokeNode", "end a node of this member"),
        Command("set-certificate", "members", "setCertificate", "put a certificate authority"),
    ),
    "governance": (
        Command("validators", "members", "getValidators", "show the validators"),
        Command(
            "set-version", "members", "validatorSetVersion", "show the validator set's version"
        ),
        Command("electors", "members", "electors", "show who votes, as a mask of members"),
        Command("is-elector", "members", "isElector", "show whether a member votes"),
        Command("governor", "members", "governorOf", "show for whom an account may govern"),
        Command("governors", "members", "governance", "show how a member's governors agree"),
        Command("agrees", "members", "agrees", "show whether these governors speak for a member"),
        Command("set-governors", "members", "setGovernors", "say how many governors must agree"),
        Command("mandate", "members", "mandateOf", "show what a regulator's officers may freeze"),
        Command("count", "governance", "proposalCount", "count the proposals"),
        Command("record", "governance", "proposal", "show what is kept of a proposal"),
        Command("status", "governance", "statusOf", "show where a proposal stands"),
        Command("share", "governance", "shareOf", "show the share that carries a kind", _PROPOSED),
        Command("tally", "governance", "tally", "show how members voted"),
        Command("propose-content", "governance", "propose", "propose encoded content", _PROPOSED),
        Command("vote", "governance", "vote", "say what this governor says", {"ballot": "ballot"}),
        Command("withdraw", "governance", "withdraw", "take a proposal of this member back"),
        Command("enact-content", "governance", "enact", "enact a carried proposal's content"),
        Command("parameter", "parameters", "valueOf", "show a parameter's value", _PARAMETER),
        Command("bounds", "parameters", "boundsOf", "show a parameter's bounds", _PARAMETER),
        Command("feature", "parameters", "heightOf", "show the block at which a feature begins"),
        Command("is-active", "parameters", "isActive", "show whether a feature has begun"),
        Command("vocabulary", "parameters", "vocabularyInForce", "show the vocabulary in force"),
        Command("versions", "versions", "versionCount", "count the contracts' versions"),
        Command("version", "versions", "version", "show a version of the contracts"),
        Command("is-halted", "versions", "isHalted", "show whether a halt lies over a version"),
        Command("gate", "versions", "gateOf", "show whether it is open, and its last halt"),
        Command("working-days", "holidays", "table", "show the working days of a year"),
        Command("deadline", "holidays", "deadline", "compute a deadline in working days"),
    ),
    "product": (
        Command("approve", "catalog", "approve", "let a proposed version be granted"),
        Command("retire", "catalog", "retire", "end grants of a version"),
        Command("id", "catalog", "productId", "compute a product's id"),
        Command("latest", "catalog", "latestVersion", "show the number of the newest version"),
        Command("version", "catalog", "version", "show a version's record"),
        Command("status", "catalog", "statusOf", "show where a version stands"),
        Command("offer", "catalog", "offer", "show what a version offers"),
        Command("sensitive", "catalog", "sensitiveFields", "show the sensitive fields as a mask"),
        Command("summary", "catalog", "summaryOf", "show a version's packed summary"),
        Command("publish-fields", "catalog", "publish", "propose a version from packed fields"),
        Command("publish-open", "catalog", "publishOpen", "propose an open product's version"),
    ),
    "zone": (
        Command("show", "catalog", "zoneOf", "show what a zone admits"),
        Command("assign", "catalog", "assignZone", "name the member that operates a zone"),
        Command("rule", "catalog", "ruleZone", "say what a zone admits; masks of 0 admit all"),
        Command("allow-template", "catalog", "allowTemplate", "name a template of a zone"),
    ),
    "template": (
        Command("show", "templates", "template", "show a template's clauses"),
        Command("versions", "templates", "versions", "show the versions of both lists"),
        Command("check", "templates", "check", "check wanted terms against template and lists"),
        Command("propose", "templates", "propose", "propose a template by its text's hash"),
        Command("adopt", "templates", "adopt", "let terms be made under a proposed template"),
        Command("retire", "templates", "retire", "end requests under a template"),
    ),
    "list": (
        Command("refuse", "templates", "refuse", "set an entry of the negative list"),
        Command("caution", "templates", "caution", "set an entry of the cautious list"),
        Command("is-refused", "templates", "isRefused", "show whether a purpose is refused"),
    ),
    "authorization": (
        Command("record", "authorizations", "record", "show what the ledger counts and holds"),
        Command("status", "authorizations", "statusOf", "show where it stands"),
        Command("standing", "authorizations", "standingOf", "show the packed standing"),
        Command("end-block", "authorizations", "endOf", "show the block that ended it"),
        Command("bound", "authorizations", "boundOf", "show the first block that permits no use"),
        Command("bound-for", "authorizations", "boundFor", "show whether a use was permitted"),
        Command("interruption", "authorizations", "interruption", "show when it was interrupted"),
        Command("limits", "authorizations", "limitsOf", "show the packed limits"),
        Command("fields", "authorizations", "fieldsOf", "show the granted fields as a mask"),
        Command("deadlines", "authorizations", "deadlines", "show its deadlines"),
        Command("suspend", "authorizations", "suspend", "take this party's approval back"),
        Command("resume", "authorizations", "resume", "approve again after suspending"),
        Command("revoke", "authorizations", "revoke", "end it, as a party"),
        Command("request-at-once", "grants", "request", "request terms with approvals in hand"),
        Command("request-upon", "grants", "requestUpon", "request terms that stand on others"),
        Command("approve", "grants", "approve", "approve terms, and carry signatures in"),
        Command("approve-by-contract", "grants", "approveByContract", "carry in ERC-1271 approval"),
        Command("decline", "refusals", "decline", "decline terms before they are in force"),
        Command("carry-revocation", "refusals", "revokeSigned", "carry in a signed revocation"),
        Command("of-terms", "authorizations", "authorizationOf", "show whose terms a digest is of"),
        Command("terms", "authorizations", "termsOf", "show the digest of the terms in force"),
        Command("version", "authorizations", "version", "show a version of the terms"),
        Command("mark-overdue", "authorizations", "markOverdue", "record a late acknowledgement"),
        Command("acknowledgement", "authorizations", "acknowledgementOf", "show what is due"),
        Command("check-child", "lineage", "checkChild", "check terms against their parent"),
        Command("check-amendment", "lineage", "checkAmendment", "check terms that amend others"),
        Command("id", "grants", "authorizationId", "compute the id of terms"),
        Command("required", "grants", "required", "show which parties must approve terms"),
        Command("deadline-floor", "grants", "deadlineFloor", "show the least time to answer"),
    ),
    "delegation": (
        Command("carry", "delegations", "delegate", "carry in a subject's signed delegation"),
        Command("vouch", "delegations", "vouch", "vouch for a guardian, by evidence"),
        Command("end", "delegations", "end", "end it, as a party of it"),
        Command("carry-end", "delegations", "endSigned", "carry in its signed end"),
        Command("record", "delegations", "record", "show what is kept of a delegation"),
        Command("is-live", "delegations", "isLive", "show whether it stands"),
        Command("check", "delegations", "check", "check whether it lets an agent approve"),
        Command("id", "delegations", "delegationId", "compute a delegation's id"),
    ),
    "export": (
        Command("record", "exports", "record", "record the persons whose data may leave"),
        Command("declare", "exports", "declareElsewhere", "declare persons exported elsewhere"),
        Command("counts", "exports", "countsOf", "show an exporter's persons of a year"),
        Command("counted-at", "exports", "countedAt", "show the block that counted a person"),
        Command("is-recorded", "exports", "isRecorded", "show whether an export is on record"),
    ),
    "consent": (
        Command("revoke", "consents", "revokeConsent", "carry in a subject's revocation"),
        Command("withdraw", "consents", "withdrawConsent", "take it back for a subject"),
        Command("revoked-at", "consents", "revokedAt", "show the block that took it back"),
        Command("hash", "consents", "consentHash", "compute a consent's digest"),
    ),
    "sealed": (
        Command("grant", "sealed", "grantSealed", "carry in what both one-time keys signed"),
        Command("open", "sealed", "openSealed", "carry in a lease that the consumer's key signed"),
        Command("settle", "sealed", "settleSealed", "carry in receipts' hashes, or a close"),
        Command("lapse", "sealed", "lapseSealed", "record that nobody closed a lease in time"),
        Command("end", "sealed", "makeUnavailable", "make it unavailable, for whatever reason"),
        Command("available", "sealed", "isAvailable", "show whether it is available"),
        Command("record", "sealed", "sealedRecord", "show what is kept of it"),
        Command("lease", "sealed", "sealedLease", "show what is kept of a lease"),
        Command("id", "sealed", "sealedId", "compute the id of sealed terms"),
        Command("lease-hash", "sealed", "sealedLeaseHash", "compute a lease's digest"),
        Command(
            "settlement-hash", "sealed", "sealedSettlementHash", "compute a settlement's digest"
        ),
    ),
    "lease": (
        Command("open", "leases", "open", "reserve uses, as a gateway of the consumer"),
        Command("open-many", "leases", "openMany", "reserve uses of many authorizations"),
        Command("close", "leases", "close", "close by both sides' signatures"),
        Command("close-alone", "closings", "closeAlone", "begin to close by one side"),
        Command("answer", "closings", "answer", "show a higher use than the other side did"),
        Command("claim", "closings", "claim", "claim a use that was never countersigned"),
        Command("finalize", "closings", "finalize", "end a close by one side"),
        Command("lapse", "leases", "lapse", "record that nobody closed in time"),
        Command("state-uses", "closings", "stateUses", "state the uses of a lapsed lease"),
        Command("stated", "closings", "statement", "show what was stated of a lapsed lease"),
        Command("record", "leases", "record", "show a lease's record"),
        Command("place", "leases", "place", "show a lease's packed word and last receipt"),
        Command("id", "leases", "leaseId", "compute a lease's id"),
    ),
    "receipt": (
        Command("settle", "leases", "settle", "anchor the next receipt of a lease"),
        Command("settle-batch", "leases", "settleBatch", "anchor the receipts of many leases"),
        Command("challenge", "challenges", "challenge", "show a leaf that contradicts its lease"),
        Command("prove-fork", "challenges", "proveFork", "show two receipts of one use"),
        Command("report-breach", "challenges", "reportBreach", "put a breach of terms on record"),
        Command("hash", "challenges", "receiptHash", "compute a receipt's digest"),
        Command("request-hash", "challenges", "requestHash", "compute a request's digest"),
        Command("batch-id", "challenges", "batchId", "compute a batch's id"),
        Command("close-hash", "challenges", "closeHash", "compute the digest that closes a lease"),
        Command("is-void", "challenges", "isVoid", "show whether a receipt was marked void"),
        Command("is-anchored", "challenges", "isAnchored", "prove a receipt against its batch"),
        Command("anchored-at", "leases", "anchoredAt", "show the block that anchored a batch"),
    ),
    "statement": (
        Command("state-uses", "statements", "stateUses", "state one side's uses of a period"),
        Command("state-fees", "statements", "stateFees", "anchor a commitment to fees"),
        Command(
            "mark-paid", "statements", "markPaid", "mark fees as paid", {"kind": "payment_kind"}
        ),
        Command("period", "statements", "pairPeriod", "compute the key of a pair's period"),
        Command("stated", "statements", "stated", "show what a side stated"),
        Command("fees", "statements", "feesOf", "show the fee statement of a period"),
        Command("payment", "statements", "paymentOf", "show how a fee statement was paid"),
        Command("id", "statements", "statementId", "compute a fee statement's id"),
    ),
    "obligation": (
        Command("open", "obligations", "openDeletion", "open what an ended authorization obliges"),
        Command("certify", "obligations", "certifyDeletion", "certify what was deleted"),
        Command("fulfil", "obligations", "fulfil", "show that another duty is done"),
        Command("overdue", "obligations", "markOverdue", "put on record that a duty is late"),
        Command("hold", "obligations", "hold", "hold deletion for a freeze or an inspection"),
        Command(
            "impose",
            "obligations",
            "impose",
            "oblige a side to inform or to compensate",
            {"kind": "obligation_kind"},
        ),
        Command("show", "obligations", "obligation", "show what is kept of an obligation"),
        Command("due", "obligations", "dueOf", "show when it is late, holds counted"),
        Command("is-held", "obligations", "isHeld", "show whether deletion is held"),
        Command(
            "id",
            "obligations",
            "obligationId",
            "compute an obligation's id",
            {"kind": "obligation_kind"},
        ),
    ),
    "dispute": (
        Command("open", "disputes", "open", "dispute receipts of a lease, as a side"),
        Command("answer", "disputes", "answer", "answer a dispute, as the other side"),
        Command("rule", "disputes", "rule", "rule, as the arbiter named", {"ruling": "ruling"}),
        Command("appeal", "disputes", "appeal", "appeal a ruling to a regulator, once"),
        Command("end", "disputes", "end", "end a dispute that nobody appealed in time"),
        Command("withdraw", "disputes", "withdraw", "take a dispute back"),
        Command("show", "disputes", "dispute", "show what is kept of a dispute"),
        Command("count", "disputes", "disputeCount", "count the disputes"),
        Command("excludes", "disputes", "excludes", "show whether it leaves a receipt out"),
    ),
    "freeze": (
        Command("authorization", "supervision", "freezeAuthorization", "freeze an authorization"),
        Command("member", "supervision", "freezeMember", "freeze a member"),
        Command("zone", "supervision", "freezeZone", "freeze purposes in a zone, or in all"),
        Command("lift", "supervision", "lift", "end a freeze before its time"),
        Command("order", "supervision", "order", "show the order of a freeze"),
        Command("subject", "supervision", "subjectOf", "compute the subject of a freeze's order"),
    ),
    "inspection": (
        Command("open", "supervision", "openInspection", "put an inspection on record"),
        Command("close", "supervision", "closeInspection", "close it with its findings' hash"),
        Command("anchor-log", "supervision", "anchorAccessLog", "anchor a day's access-log root"),
        Command("log-root", "supervision", "logRoot", "show the root of a day's access log"),
    ),
}
"""All commands by noun, in the order of the help."""

UNREACHABLE: Final[Mapping[tuple[str, str], str]] = {
    ("authorizations", "begin"): "answers to Grants alone, when terms are requested",
    ("authorizations", "approve"): "answers to Grants alone, when a party approved",
    ("authorizations", "end"): "answers to Refusals alone, when a carried revocation was checked",
    ("authorizations", "reserve"): "answers to Leases alone, when a lease opens",
    ("authorizations", "release"): "answers to Leases alone, when a lease closes",
    ("authorizations", "returnToWindow"): "answers to Leases alone, when counts return",
    ("authorizations", "setFrozen"): "answers to Supervision alone",
    ("authorizations", "leaseLapsed"): "answers to Leases alone, when a lease lapses",
    ("authorizations", "lapseStated"): "answers to Closings alone, when both sides stated",
    ("leases", "advance"): "answers to Closings alone, while one side closes",
    ("leases", "finish"): "answers to Closings alone, when a close is final",
    ("members", "setFrozen"): "answers to Supervision alone",
    ("templates", "setZoneFrozen"): "answers to Supervision alone",
    ("members", "checkProposal"): "asked by Governance when a proposal is made",
    ("members", "enactProposal"): "answers to Governance alone",
    ("parameters", "checkProposal"): "asked by Governance when a proposal is made",
    ("parameters", "enactProposal"): "answers to Governance alone",
    ("authorizations", "endByRuling"): "answers to Disputes alone, when a ruling is final",
    ("obligations", "holdForDispute"): "answers to Disputes alone",
    ("obligations", "holdForFreeze"): "answers to Supervision alone",
    ("obligations", "openAtEnd"): "answers to Authorizations alone, when one ended",
    ("templates", "checkProposal"): "asked by Governance when a proposal is made",
    ("templates", "enactProposal"): "answers to Governance alone",
    ("versions", "checkProposal"): "asked by Governance when a proposal is made",
    ("versions", "enactProposal"): "answers to Governance alone",
    ("templates", "setGate"): "answers to Versions alone",
    ("leases", "setGate"): "answers to Versions alone",
    ("holidays", "checkProposal"): "asked by Governance when a proposal is made",
    ("holidays", "enactProposal"): "answers to Governance alone",
}
"""Methods that have no command, because they are for other contracts; each with the reason."""
