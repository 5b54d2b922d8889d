"""Terms as plain text in Chinese and English, for whoever is to sign them; Chinese prevails."""

from typing import Final

from node.render.directory import NO_DIRECTORY, Directory
from node.render.facts import LANGUAGES, facts_of
from node.spec.terms import Terms, authorization_id, grants_domain

_TITLE: Final = {"zh": "数据授权条款", "en": "Terms of a data authorization"}
_DIGEST: Final = {"zh": "签署摘要（即授权编号）", "en": "Digest signed, the authorization's id"}
_CHAIN: Final = {"zh": "链", "en": "Chain"}
_CONTRACT: Final = {"zh": "合约", "en": "Contract"}
_DOMAIN: Final = {"zh": "签名域", "en": "Signing domain"}
_PREVAILS: Final = {
    "zh": "本文由所签署的结构逐项生成；中英文不一致时以中文为准。括号内名称未经签署。",
    "en": "Rendered member by member from the structure that is signed; Chinese prevails where the "
    "languages differ. Names in brackets are not signed.",
}


def text_of(terms: Terms, chain_id: int, language: str, directory: Directory = NO_DIRECTORY) -> str:
    """Return the terms in one language: digest, chain and contract, then every member."""
    domain = grants_domain(chain_id)
    lines = [
        _TITLE[language],
        f"{_DIGEST[language]}: 0x{authorization_id(terms, chain_id).hex()}",
        f"{_CHAIN[language]}: {chain_id}",
        f"{_CONTRACT[language]}: 0x{domain.verifying_contract.hex()}",
        f"{_DOMAIN[language]}: {domain.name} {domain.version}",
        *(f"{fact.label}: {fact.shown}" for fact in facts_of(terms, language, directory)),
        _PREVAILS[language],
    ]
    return "\n".join(lines)


def bilingual(terms: Terms, chain_id: int, directory: Directory = NO_DIRECTORY) -> str:
    """Return the terms in Chinese, which prevails, then in English."""
    return "\n\n".join(text_of(terms, chain_id, language, directory) for language in LANGUAGES)
