"""Fees of a period as lines for people, in Chinese and English; amounts in whole units."""

from collections.abc import Mapping
from typing import Final

from node.spec.fees import Fees

LANGUAGES: Final = ("zh", "en")

_WHOLE: Final = frozenset(
    [
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "UYI",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ]
)
_THOUSANDTHS: Final = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])
"""Currencies of ISO 4217 whose minor unit is not a hundredth."""

_TITLE: Final = {"zh": "费用结算单", "en": "Fee statement"}
_PAIR: Final = {
    "zh": "提供方：成员{provider}　使用方：成员{consumer}　交易所：{exchange}",
    "en": "provider: member {provider}, consumer: member {consumer}, exchange: {exchange}",
}
_PERIOD: Final = {
    "zh": "期间（Unix 秒，含起不含止）：{since} 至 {until}",
    "en": "period, Unix seconds, the last outside: {since} to {until}",
}
_MEMBER: Final = {"zh": "成员{index}", "en": "member {index}"}
_NONE: Final = {"zh": "无（直接交易）", "en": "none, direct trade"}
_LINE: Final = {
    "zh": "授权 {authorization} 版本{version}：计费{charged}次，冲回{credited}次，{amount}，"
    "其中交易所 {part}",
    "en": "authorization {authorization} version {version}: {charged} uses charged, {credited} "
    "credited, {amount}, of which the exchange {part}",
}
_TOTAL: Final = {
    "zh": "合计：{amount}，其中交易所 {part}",
    "en": "total: {amount}, of which the exchange {part}",
}
_NOTHING: Final = {"zh": "本期无费用", "en": "nothing is due for the period"}


_LEFT_OUT: Final = {
    "not anchored": {"zh": "未在期末前上链", "en": "not anchored before the end of the period"},
    "void": {"zh": "作废", "en": "void"},
    "voided": {"zh": "经质疑或更正作废", "en": "voided by a challenge or a correction"},
    "disputed": {"zh": "争议中或争议成立", "en": "disputed, or the dispute was upheld"},
    "claimed": {"zh": "单方主张，尚待裁定", "en": "claimed by one side, not ruled on"},
}
_LEFT_OUT_LINE: Final = {"zh": "不计费：{count}次，{ground}", "en": "left out: {count}, {ground}"}


def left_out_lines(counts: Mapping[str, int], language: str) -> list[str]:
    """Return how many uses cost nothing, by ground (`node.spec.fees.left_out`)."""
    return [
        _LEFT_OUT_LINE[language].format(count=count, ground=_LEFT_OUT[ground][language])
        for ground, count in counts.items()
    ]


def money(amount: int, currency: str) -> str:
    """Return an amount in minor units as people write it, such as `CNY 12.30`."""
    digits = 0 if currency in _WHOLE else 3 if currency in _THOUSANDTHS else 2
    whole, rest = divmod(abs(amount), 10**digits)
    part = f".{rest:0{digits}d}" if digits else ""
    return f"{currency} {'-' if amount < 0 else ''}{whole}{part}"


def fees_lines(fees: Fees, language: str) -> list[str]:
    """Return a period's fees as lines in one language."""
    exchange = _MEMBER[language].format(index=fees.exchange) if fees.exchange else _NONE[language]
    pair = {"provider": fees.provider, "consumer": fees.consumer, "exchange": exchange}
    lines = [_TITLE[language], _PAIR[language].format(**pair)]
    lines.append(_PERIOD[language].format(since=fees.since, until=fees.until))
    for line in fees.lines:
        values = {
            "authorization": "0x" + line.authorization.hex(),
            "version": line.version,
            "charged": line.charged,
            "credited": line.credited,
            "amount": money(line.amount, line.currency),
            "part": money(line.exchange_amount, line.currency),
        }
        lines.append("  " + _LINE[language].format(**values))
    for currency, (amount, part) in fees.totals.items():
        total = {"amount": money(amount, currency), "part": money(part, currency)}
        lines.append(_TOTAL[language].format(**total))
    return lines if fees.lines else [*lines, _NOTHING[language]]
