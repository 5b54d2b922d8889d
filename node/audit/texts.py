"""Every sentence a report says, in English and Chinese.

Findings themselves (what exactly does not hold) come from the checks and stay in English, so that
the same words can be searched for anywhere.
"""

from typing import Final

LANGUAGES: Final = ("en", "zh")

Text = tuple[str, str]
"""English, Chinese."""

TITLES: Final[dict[str, Text]] = {
    "form": ("Canonical file with its own digest", "文件为唯一规范格式，摘要相符"),
    "genesis": ("Genesis and first validators", "创世区块与首届验证者"),
    "validator-sets": ("Later validator sets, each sealed by the last", "后续验证者集合逐次传承"),
    "finality": ("Blocks sealed by a quorum", "区块由法定多数签封"),
    "inclusion": ("Transactions and receipts inside their blocks", "交易与回执确在区块之内"),
    "state": ("State of the last block, contract code included", "末区块的状态与合约代码"),
    "terms": ("Terms are those signed and enforced", "条款即所签署并执行的条款"),
    "approvals": (
        "Approvals by the parties, complete if active",
        "批准出自各方，齐备方可生效",
    ),
    "parties": ("Parties are members of the consortium", "各方均为联盟成员"),
    "leases": ("Leases without gap, within the terms", "租约编号无缺，不逾条款"),
    "receipts": ("Receipts without gap, within their lease", "使用凭证编号无缺，不逾租约"),
    "signatures": ("Receipts signed by both keys", "使用凭证由双方密钥签名"),
    "consents": ("A subject's consent to each use that needs it", "须逐次同意的使用均有主体同意"),
    "exports": ("Persons counted before their data left", "出境前个人均已计数"),
    "settlement": ("Anchored receipts are these receipts", "上链存证即为这些凭证"),
    "corrections": ("Corrected receipts, by both sides", "双方共同更正的凭证"),
    "closes": ("Each lease ended as agreed", "每份租约依约结束"),
    "counts": ("Every use counted once, within the grant", "每次使用计数一次，不超授权"),
    "revocation": ("Ending, and no use after it", "授权终止，其后无使用"),
    "lists": ("Template and lists of the time allowed it", "符合当时的合同模板与清单"),
    "freezes": (
        "No freeze or suspension over a grant, lease or use",
        "授权、租约与使用均不在冻结或中止期内",
    ),
    "disputes": ("Disputes are those that state holds", "争议与链上状态一致"),
    "fees": ("Fee statements are what plan and receipts come to", "费用结算单与价格方案及凭证相符"),
    "deletion": ("No deletion is overdue or leaves a lease out", "删除义务无逾期，无遗漏租约"),
    "records": ("No salt destroyed too early or overdue", "盐值未提前销毁，亦无逾期"),
    "duties": ("No imposed duty shown is overdue", "所示告知与补偿义务均无逾期"),
    "surplus": ("Nothing in the file that no proof needs", "文件中无多余内容"),
}

DETAILS: Final[dict[str, Text]] = {
    "form": ("{bytes} bytes", "{bytes} 字节"),
    "genesis": ("{genesis}", "{genesis}"),
    "validator-sets": (
        "{sets} sets, now {validators} validators",
        "{sets} 届，现有 {validators} 名",
    ),
    "finality": ("{blocks} blocks up to {last}", "{blocks} 个区块，至第 {last} 块"),
    "inclusion": (
        "{transactions} transactions, {events} events",
        "{transactions} 笔交易，{events} 个事件",
    ),
    "state": (
        "{slots} slots of {contracts} contracts after block {block}",
        "第 {block} 块后 {contracts} 个合约的 {slots} 个存储项",
    ),
    "terms": ("{uses} uses granted", "授权 {uses} 次"),
    "approvals": (
        "{parties} approved, {required} required",
        "已批准 {parties} 方，应批准 {required} 方",
    ),
    "parties": ("{members} members", "{members} 个成员"),
    "leases": ("{leases} leases", "{leases} 份租约"),
    "receipts": ("{receipts} receipts", "{receipts} 份凭证"),
    "signatures": ("{signatures} signatures", "{signatures} 个签名"),
    "exports": ("{persons} persons", "{persons} 人"),
    "consents": ("{consents} consents to single uses", "{consents} 份逐次同意"),
    "settlement": (
        "{settled} settled, {claimed} claimed, {batches} batches",
        "已结算 {settled} 次，主张 {claimed} 次，{batches} 个批次",
    ),
    "corrections": ("{corrected} receipts corrected", "更正 {corrected} 份凭证"),
    "closes": (
        "{closed} closed, {lapsed} lapsed, of {leases}",
        "共 {leases} 份：关闭 {closed}，失效 {lapsed}",
    ),
    "counts": ("{counted} counted of {maximum}", "计 {counted} 次，上限 {maximum} 次"),
    "revocation": ("block {ended}", "第 {ended} 块"),
    "not-ended": ("it has not been ended", "未被终止"),
    "lists": (
        "{refusals} changes of the negative list, {cautions} of the cautious",
        "负面清单变更 {refusals} 次，谨慎清单变更 {cautions} 次",
    ),
    "freezes": (
        "{moments} moments, {freezes} freezes shown",
        "核对 {moments} 个时点，出示冻结 {freezes} 次",
    ),
    "disputes": ("{disputes} disputes, {open} open", "争议 {disputes} 起，未结 {open} 起"),
    "fees": (
        "{statements} statements, {paid} marked paid, {charged} uses charged, minor units: "
        "{amounts}",
        "结算单 {statements} 份，已标记付款 {paid} 份，计费 {charged} 次，最小货币单位：{amounts}",
    ),
    "deletion": ("not done, and not due before {due}", "尚未履行，期限 {due}"),
    "deletion-done": ("certified, it was due by {due}", "已出具证明，期限 {due}"),
    "records": ("{salts} salts", "{salts} 个盐值"),
    "duties": ("{duties} duties", "{duties} 项义务"),
    "surplus": ("", ""),
    "deletion-none": ("none is due, for it has not ended", "未终止，尚无删除义务"),
    "fees-free": ("none is stated, and its terms name no price", "条款未定价，未出具结算单"),
}

STATUSES: Final[dict[str, Text]] = {
    "proved": ("proved", "已证明"),
    "failed": ("FAILED", "不成立"),
    "not provable": ("not provable", "无法证明"),
    "not compared": ("not compared", "未比对"),
}

STATEMENTS: Final[dict[str, Text]] = {
    "fees-of-others": (
        "{event} has {lines} lines of authorizations that are not in the file",
        "{event} 另有 {lines} 行属于本文件未载的授权",
    ),
    "lapsed": (
        "lease {lease} lapsed: which of its {uses} unshown uses were made is not provable",
        "租约 {lease} 逾期失效：其余 {uses} 次是否使用过，无法证明",
    ),
    "open": (
        "lease {lease} is not closed: uses made of the {uses} it still holds are not anchored yet",
        "租约 {lease} 尚未关闭：其保留的 {uses} 次中已发生的使用尚未上链",
    ),
    "backdating": (
        "receipts of lease {lease} were anchored after the grant ended in block {block}: that both "
        "sides together backdated them is not excluded",
        "租约 {lease} 的凭证在授权于第 {block} 块终止之后上链：不排除双方合谋倒签",
    ),
    "replacement": (
        "receipt {receipt} of lease {lease} was corrected: what both sides hold in its place is "
        "not in this file, only its hash",
        "租约 {lease} 的凭证 {receipt} 已更正：双方所持替代凭证不在本文件中，仅有其哈希",
    ),
    "indirect": (
        "{event} came through another contract: the receipt shows that the contract accepted it, "
        "its signature is not shown",
        "{event} 经由其他合约提交：回执证明合约已接受，其签名未出示",
    ),
    "applications": (
        "so many applications are for the same that which of them let the terms through in block "
        "{block} was not looked for",
        "同一事项的申请过多，未能查明第 {block} 块时条款所依据的申请",
    ),
    "admitted": (
        "that both sides were admitted to sandbox {sandbox} when the terms came into force is the "
        "contract's word: state keeps who is admitted now",
        "条款生效时双方均已准入沙盒 {sandbox}，仅由合约认定：状态只保存当前准入名单",
    ),
    "seconded": (
        "{event} was signed by a compromised key and seconded by another: that this was a gateway "
        "of the same member then is the contract's word",
        "{event} 由已泄露密钥签署并经另一密钥副署：副署者当时为同一成员网关，仅由合约认定",
    ),
}

LACKS: Final[dict[str, Text]] = {
    "disputes": (
        "the ledger has {count} disputes, more than a file shows",
        "链上争议共 {count} 起，超出文件可载数量",
    ),
    "plan": ("the price plan {plan} is not in the file", "文件未附价格方案 {plan}"),
    "opening": (
        "{missing} of {statements} fee statements are not opened in the file",
        "{statements} 份结算单中有 {missing} 份未附开示",
    ),
    "fee-statement": (
        "its terms name a price, and no fee statement is in the file",
        "条款定有价格，文件未附费用结算单",
    ),
    "list-changes": (
        "{missing} changes of a list are not in the file",
        "清单变更有 {missing} 次未载入文件",
    ),
    "template": (
        "when the template {template} was adopted is not in the file",
        "模板 {template} 何时启用未载入文件",
    ),
    "freezes": (
        "the state of the time is not in the file for {missing} blocks",
        "有 {missing} 个区块的当时状态未载入文件",
    ),
}
"""What a file lacks that a check needs."""

HEADINGS: Final[dict[str, Text]] = {
    "title": ("Dataccord evidence report", "Dataccord 证据核验报告"),
    "proved": ("Proved: every check holds.", "结论：各项均已证明。"),
    "partly": (
        "Every check that the file allows holds; {count} of them it does not let be proved.",
        "结论：文件所及各项均已证明；另有 {count} 项本文件无法证明。",
    ),
    "uncompared": (
        "Proved only under genesis {genesis}, not compared.",
        "仅在创世区块 {genesis} 之下成立，未与可信值比对。",
    ),
    "failed": ("FAILED: {count} check(s) do not hold.", "结论：有 {count} 项不成立。"),
    "chain": ("chain {chain}, genesis {genesis}", "链 {chain}，创世区块 {genesis}"),
    "as-of": (
        "as of block {block}, {time}: nothing later is shown",
        "截至区块 {block}，{time}：此后之事本文件不予显示",
    ),
    "old": (
        "Proved only as of {time}, which is before {wanted}.",
        "仅截至 {time} 成立，早于所要求的 {wanted}。",
    ),
    "bundle": ("The file and its chain", "文件与链"),
    "authorization": ("Authorization {authorization}", "授权 {authorization}"),
    "stands-on": ("stands on: {check}", "有赖于：{check}"),
    "statements": ("Not provable from this file", "本文件无法证明的事项"),
    "closing": ("What no file proves", "任何文件都无法证明的事项"),
    "next": (
        "next: verify again with --genesis-hash, as your member's operator knows it",
        "下一步：用运维方提供的 --genesis-hash 再次核验",
    ),
    "nobody": ("none", "无"),
}

SUMMARY: Final[dict[str, Text]] = {
    "provider": ("provider", "提供方"),
    "consumer": ("consumer", "使用方"),
    "exchange": ("exchange", "交易所"),
    "regulator": ("regulator", "监管方"),
    "purpose": ("purpose", "用途"),
    "fields": ("fields", "字段"),
    "modes": ("delivery", "交付方式"),
    "destination": ("destination", "目的地"),
    "validity": ("validity", "有效期"),
    "status": ("status", "状态"),
    "uses": ("uses", "使用次数"),
    "lease": ("lease {number}", "租约 {number}"),
    "field-count": ("{count} of level {level} ({label})", "{level} 级 {count} 个（{label}）"),
    "use-counts": (
        "{granted} granted, {counted} counted, {settled} settled, {claimed} claimed, {void} void, "
        "{corrected} corrected",
        "授权 {granted}，计数 {counted}，结算 {settled}，主张 {claimed}，作废 {void}，"
        "更正 {corrected}",
    ),
    "lease-line": (
        "opened in block {block}: {uses} reserved, {settled} settled, {claimed} claimed; {ending}",
        "开立于第 {block} 块：保留 {uses}，结算 {settled}，主张 {claimed}；{ending}",
    ),
    "correction": ("receipt {number} of lease {lease}", "租约 {lease} 凭证 {number}"),
    "corrected-void": ("corrected: its use is void ({cause})", "已更正：该次使用作废（{cause}）"),
    "corrected-replaced": (
        "corrected: replaced by {replacement} ({cause})",
        "已更正：由 {replacement} 替代（{cause}）",
    ),
    "ended": ("{status} in block {block}: {reason}", "{status}，第 {block} 块：{reason}"),
}

ENDINGS: Final[dict[str, Text]] = {
    "both": ("closed by both", "双方共同关闭"),
    "batch": ("closed by both in a batch", "双方在批次中关闭"),
    "alone": ("closed by one side, in time to answer", "单方关闭，答辩期已过"),
    "closed": ("closed", "已关闭"),
    "lapsed": ("lapsed, its uses stay counted", "逾期失效，次数不退"),
    "closing": ("closing, still to be answered", "关闭中，尚待答辩"),
    "open": ("open", "开放"),
}

CLOSING: Final[tuple[Text, ...]] = (
    ("that no data moved outside Dataccord;", "没有数据在 Dataccord 之外流动；"),
    (
        "that provider and consumer, acting together, recorded every use;",
        "提供方与使用方若合谋，仍记录了每一次使用；",
    ),
    (
        "that a result was computed correctly from true data (only that both signed its hash);",
        "结果由真实数据正确算出（仅证明双方签署了其哈希）；",
    ),
    (
        "that a person rather than a vouched key consented;",
        "同意者为本人，而非仅为经担保的密钥；",
    ),
    ("that `usedAt` is exact;", "使用时刻（usedAt）精确；"),
    (
        "that nobody holds the keys of removed validators: those keys could forge a later history;",
        "无人掌握已退出验证者的密钥：凭此类密钥可伪造后续历史；",
    ),
    (
        "what happened after the last block shown: a revocation may have followed;",
        "所示最后区块之后发生的事：其后可能已撤销；",
    ),
    (
        "that there are no authorizations but those shown, nor breach reports, proofs of forked "
        "receipts, fee statements and duties imposed beyond those shown.",
        "除所示之外不存在其他授权，亦不存在其他违约报告、凭证分叉证明、费用结算单或附加义务。",
    ),
)


def say(text: Text, language: str, **values: object) -> str:
    """Return a text in one language with its values put in."""
    return text[LANGUAGES.index(language)].format(**values)
