"""C: banks share red flags by legal obligation, sealed: without consent and without tipping off.

Two banks use one-time keys; the regulator approves the clear terms and carries every transaction. A
third party then reads all blocks, events and state of it, and finds neither bank nor subject. Only
the regulator, who holds salt, clear terms and receipts, opens it.
"""

import time
from dataclasses import dataclass, replace
from typing import Any, Final

from node.errors import ProofError
from node.sdk import sealed, sealed_file
from node.sdk.abi import decode_event
from node.sdk.governance import set_mandate
from node.sdk.reverts import grants
from node.sdk.reverts import sealed as refused
from node.sdk.sealed import OneTimeKey
from node.sdk.sealed_file import SealedFile
from node.spec.crypto import address_of, keccak256, sign
from node.spec.disclosure import (
    RETENTION_SECONDS,
    Disclosure,
    Opened,
    slots_of_disclosure,
    slots_of_vouchers,
    verify_disclosure,
)
from node.spec.registry import MEMBERS
from node.spec.sealed import (
    SEALED,
    SealedLease,
    SealedTerms,
    sealed_id,
    sealed_receipt_hash,
    slots_of_sealed,
    slots_of_sealed_lease,
)
from node.spec.terms import Terms, authorization_id
from node.spec.types import Hash32
from node.spec.usage import Receipt, SignedReceipt, lease_id
from node.spec.vocabulary import (
    DeliveryMode,
    FreezeGround,
    LegalBasis,
    MemberKind,
    Reason,
    Zone,
    mask,
    purpose,
)
from scripts.demo.world import dataccord
from scripts.scenarios.stage import Stage, blank
from scripts.scenarios.typologies import query_typologies

TITLE = ("Anti-money-laundering sharing", "反洗钱信息共享")
MODE = "query: gateway / 网关; sealed: record only / 密封，仅记录"
SUBJECT: Final = b"110101199003074258"
"""The identity of whom the banks ask about: in what they exchange, and nowhere else."""
CARRIER: Final = "regulator.approver"


@dataclass(frozen=True, slots=True)
class Case:
    """What the three of them hold; nobody else has any of it."""

    clear: Terms
    salt: Hash32
    terms: SealedTerms
    provider: OneTimeKey
    consumer: OneTimeKey

    def shown(self, stage: Stage, uses: list[SignedReceipt]) -> Disclosure:
        """Return what opens it, each bank's approver vouching for its own key."""
        provider, consumer = (
            sealed.sign_terms(self.terms, stage.key(f"{member}.approver"), stage.chain_id)
            for member in ("provider", "consumer")
        )
        return Disclosure(self.clear, self.salt, self.terms, provider, consumer, (tuple(uses),))


async def play(stage: Stage) -> None:
    """Sealed, used, searched by a stranger, opened by the regulator, ended for no stated cause."""
    await stage.prove_refused(
        stage.grant(stage.terms(legal_basis=LegalBasis.CONSENT)),
        grants.ConsentNeedsASubject,
        "without a subject consent is no ground",
        "无主体时不得以同意为依据",
    )
    await query_typologies(stage)
    regulator = stage.network.members["regulator"]
    await stage.govern(set_mandate(regulator, mask(Zone.FINANCE), mask(MemberKind.BANK)))
    await attempt(stage, agree(stage))
    case = agree(stage)
    first = await stage.client.block_number() + 1
    authorization = await carry_grant(stage, case)
    uses = await use(stage, case, authorization)
    await search(stage, case, first)
    await open_it(stage, case, uses)
    await end(stage, case, authorization)


def agree(stage: Stage) -> Case:
    """Clear terms of two banks that the regulator knows, under fresh keys and a fresh salt."""
    regulator = stage.network.members["regulator"]
    clear = stage.terms(
        purpose=purpose("AntiMoneyLaunderingCompliance"),
        modes=mask(DeliveryMode.QUERY),
        legal_basis=LegalBasis.LEGAL_OBLIGATION,
    )
    keys = (
        sealed.fresh_key(keccak256(stage.key(f"{x}.approver"))) for x in ("provider", "consumer")
    )
    provider, consumer = keys
    salt = sealed.fresh_salt()
    addresses = (provider.address, consumer.address)
    terms = sealed.seal(clear, salt, *addresses, regulator, stage.chain_id)
    return Case(clear, salt, terms, provider, consumer)


def granting(stage: Stage, case: Case) -> tuple[bytes, bytes]:
    """Return the signatures of both one-time keys."""
    provider, consumer = (
        sealed.sign_terms(case.terms, key.private, stage.chain_id)
        for key in (case.provider, case.consumer)
    )
    return provider, consumer


async def attempt(stage: Stage, case: Case) -> None:
    """Refused attempts are on record too, so these are of a case that is never granted."""
    provider, consumer = granting(stage, case)
    await stage.prove_refused(
        stage.send("consumer.approver", sealed.carry_grant(case.terms, provider, consumer)),
        refused.NotARegulatorsApproverOrOfficer,
        "a bank carries nothing itself",
        "银行不得自行提交",
    )
    await stage.prove_refused(
        stage.send(CARRIER, sealed.carry_grant(case.terms, consumer, consumer)),
        refused.NotTheProvidersSignature,
        "without both one-time keys nothing is granted",
        "缺少任一一次性密钥的签名不得授权",
    )


async def carry_grant(stage: Stage, case: Case) -> Hash32:
    """The regulator approves the clear terms and carries in what both keys signed."""
    await stage.send(CARRIER, sealed.carry_grant(case.terms, *granting(stage, case)))
    return sealed_id(case.terms, stage.chain_id)


async def use(stage: Stage, case: Case, authorization: Hash32) -> list[SignedReceipt]:
    """Two inquiries about one person, one settled alone, one as the lease closes."""
    wanted = SealedLease(authorization, 1, 3, int(time.time()) + 3_600)
    consent = sealed.sign_lease(wanted, case.consumer.private, stage.chain_id)
    await stage.send(CARRIER, sealed.carry_lease(wanted, consent))
    uses = await record(stage, case, lease_id(authorization, 1))
    for made, before, closes in ((uses[:1], 0, False), (uses, 1, True)):
        lease = lease_id(authorization, 1)
        header = sealed.settlement_of(lease, made, stage.chain_id, before=before, closes=closes)
        halves = (
            sealed.sign_settlement(header, key.private, stage.chain_id)
            for key in (case.provider, case.consumer)
        )
        call = sealed.carry_settlement(authorization, 1, header, *halves)
        await stage.send(CARRIER, call)
    stage.prove(len(uses) == 2, "two inquiries between two banks", "两家银行间两次查询")
    return uses


async def record(stage: Stage, case: Case, lease: Hash32) -> list[SignedReceipt]:
    """Receipts of what the banks exchanged, chained and signed by both one-time keys."""
    head, last = await stage.client.block_number(), lease
    found: list[SignedReceipt] = []
    for number in (1, 2):
        values: dict[str, Any] = blank(Receipt) | {
            "lease": lease,
            "number": number,
            "previous": last,
            "request_hash": keccak256(sealed.fresh_salt() + SUBJECT),
            "state_block": head,
            "used_at": int(time.time()),
            "record_count": 1,
            "input_commitment": keccak256(sealed.fresh_salt() + SUBJECT),
            "output_commitment": keccak256(sealed.fresh_salt() + b"red flag"),
        }
        receipt = Receipt(**values)
        last = sealed_receipt_hash(receipt, stage.chain_id)
        provider, consumer = (sign(key.private, last) for key in (case.provider, case.consumer))
        found.append(SignedReceipt(receipt, provider, consumer))
    return found


async def search(stage: Stage, case: Case, first: int) -> None:
    """What a third party sees: every transaction and event since, and what the events name."""
    last = await stage.client.block_number()
    seen, senders, speakers = await public(stage, first, last)
    banks = [
        address_of(stage.key(f"{member}.{role}"))
        for member in ("provider", "consumer")
        for role in ("approver", "gateway", "governor")
    ]
    telling = [*banks, case.clear.product, authorization_id(case.clear, stage.chain_id), case.salt]
    telling += [SUBJECT, keccak256(SUBJECT), case.clear.template]
    stage.prove(
        len(seen) > 10 and not any(needle in data for needle in telling for data in seen),
        "a third party that reads all blocks, events and state finds no bank, product or subject",
        "第三方检索全部区块、事件与状态，找不到任何一方银行、产品或主体",
    )
    regulator = address_of(stage.key(CARRIER))
    stage.prove(
        regulator in senders and not senders & set(banks) and speakers == {bytes(SEALED)},
        "only the regulator sent, and no list, view or event of another contract shows it",
        "仅监管机构提交，其他合约的清单、视图与事件均不显示",
    )


async def public(stage: Stage, first: int, last: int) -> tuple[list[bytes], set[bytes], set[bytes]]:
    """Return all bytes of some blocks and the state they name, who sent, which contracts spoke."""
    seen: list[bytes] = []
    senders: set[bytes] = set()
    speakers: set[bytes] = set()
    for number in range(first, last + 1):
        block = await stage.client.call("eth_getBlockByNumber", hex(number), True)
        for entry in block["transactions"]:
            seen.append(bytes.fromhex(entry["input"][2:]))
            senders.add(bytes.fromhex(entry["from"][2:]))
    logs = await stage.client.call("eth_getLogs", {"fromBlock": hex(first), "toBlock": hex(last)})
    for log in logs:
        speakers.add(bytes.fromhex(log["address"][2:]))
        topics = [bytes.fromhex(topic[2:]) for topic in log["topics"]]
        seen += [*topics, bytes.fromhex(log["data"][2:])]
        for topic in topics[1:]:
            slots = (*slots_of_sealed(Hash32(topic)), *slots_of_sealed_lease(Hash32(topic)))
            read = await stage.storage(SEALED, slots)
            seen += [part.to_bytes(32, "big") for slot in slots for part in (slot, read(slot))]
    return seen, senders, speakers


async def open_it(stage: Stage, case: Case, uses: list[SignedReceipt]) -> None:
    """The regulator opens it to the last receipt; without the salt nobody does."""
    shown = case.shown(stage, uses)
    opened = await verified(stage, shown)
    members = stage.network.members
    stage.prove(
        (opened.provider, opened.consumer, opened.uses)
        == (members["provider"], members["consumer"], 2),
        "the regulator, holding salt and clear terms, proves both banks and all uses",
        "持有盐值与明文条款的监管机构可证明双方银行与全部使用",
    )
    try:
        await verified(stage, replace(shown, salt=sealed.fresh_salt()))
        holds = False
    except ProofError:
        holds = True
    stage.prove(
        holds, "without the salt the right clear terms prove nothing", "无盐值则明文亦无从证明"
    )
    if stage.gateway is not None:
        prove_by_command(stage, shown)
    stage.prove(
        opened.keep_until == case.clear.valid_until + RETENTION_SECONDS,
        "its records are kept for ten years after the end",
        "记录自到期起保存十年",
    )


def prove_by_command(stage: Stage, shown: Disclosure) -> None:
    """The same by the command of an office, under proofs from the genesis hash on."""
    path = stage.folder / "case.sealed"
    sealed_file.write(path, sealed_file.encode(SealedFile(stage.chain_id, shown)))
    told = dataccord(
        *("sealed", "verify", "--file", str(path)),
        *("--genesis-hash", stage.network.genesis_hash, "--rpc", stage.network.nodes[0].rpc),
    )
    stage.prove(
        told["uses"] == 2 and told["height"] > 0,
        "the sealed file proves it by storage proofs, trusting the genesis hash alone",
        "密封文件凭存储证明即可验证，仅信任创世哈希",
    )


async def verified(stage: Stage, shown: Disclosure) -> Opened:
    """Verify a disclosure against the ledger's storage."""
    kept = await stage.storage(SEALED, slots_of_disclosure(shown, stage.chain_id))
    members = await stage.storage(MEMBERS, slots_of_vouchers(shown, stage.chain_id))
    return verify_disclosure(shown, kept, members, stage.chain_id)


async def end(stage: Stage, case: Case, authorization: Hash32) -> None:
    """A freeze is an end without a cause; going on takes fresh keys."""
    ground = sealed.ground_of(
        authorization,
        Reason.REGULATOR_ORDER,
        freeze_ground=FreezeGround.MONEY_LAUNDERING,
        frozen_until=int(time.time()) + 3_600,
    )
    sent = await stage.send(CARRIER, sealed.make_unavailable(ground))
    event = decode_event("sealed", sent.logs[0])
    available = await stage.ask("sealed", SEALED, "isAvailable", authorization)
    stage.prove(
        not available and event is not None and set(event.values) == {"authorization", "ground"},
        "a freeze reads `unavailable`, as a revocation does, to the banks as well",
        "冻结与撤销一样仅显示“不可用”，对银行亦然",
    )
    wanted = SealedLease(authorization, 2, 1, int(time.time()) + 3_600)
    signed = sealed.sign_lease(wanted, case.consumer.private, stage.chain_id)
    await stage.prove_refused(
        stage.send(CARRIER, sealed.carry_lease(wanted, signed)),
        refused.Unavailable,
        "no lease opens any more",
        "不得再开租约",
    )
