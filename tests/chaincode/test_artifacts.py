"""What genesis carries must be what the sources say, and sit where the node looks for it."""

import ast
import json

import pytest

from chaincode import ADDRESSES, CONTRACTS, ArtifactError, load
from chaincode.artifact import parse
from chaincode.build import ROOT, SHARED, main, outputs
from chaincode.vocabulary import load as load_vocabulary
from node.spec import (
    applications,
    consents,
    delegations,
    disputes,
    exports,
    interruptions,
    obligations,
    proposals,
    registry,
    sandboxes,
    sealed,
    statements,
    templates,
    versions,
)
from tests.chaincode import world as w

CODE_BYTES_MAX = 24_576


@pytest.fixture(scope="module")
def built():
    return outputs()


def test_sources_compile_to_the_committed_artifacts(built):
    for path, text in built.items():
        assert path.read_text("utf-8") == text, f"{path.name}: run `python -m chaincode.build`"


def test_check_names_a_stale_file(built, monkeypatch, capsys):
    stale = dict(built)
    stale[ROOT / "vocabulary.vy"] += "# edited\n"
    monkeypatch.setattr("chaincode.build.outputs", lambda: stale)
    assert main(["--check"]) == 5
    assert capsys.readouterr().out == "differs: vocabulary.vy\n"
    monkeypatch.setattr("chaincode.build.outputs", lambda: built)
    assert main(["--check"]) == 0


@pytest.mark.parametrize("name", CONTRACTS)
def test_genesis_places_exactly_the_runtime_code(name):
    world = w.genesis()
    account = world.state.account(ADDRESSES[name])
    assert world.state.code(account.code_hash) == load(name).runtime
    assert len(load(name).runtime) <= CODE_BYTES_MAX


def test_storage_positions_are_those_of_the_layouts():
    members, leases = load("members").layout, load("leases").layout
    assert members["validators"] == registry.VALIDATORS == 0
    assert members["validator_set_version"] == registry.VALIDATOR_SET_VERSION
    assert members["permissions"] == registry.PERMISSIONS
    assert members["nodes"] == registry.NODES
    assert members["certificates"] == registry.CERTIFICATES
    assert members["members"] == registry.MEMBER_RECORDS
    assert members["member_count"] == registry.MEMBER_COUNT
    assert load("authorizations").layout["authorizations"] == registry.AUTHORIZATION_RECORDS
    assert leases["leases"] == registry.LEASE_RECORDS
    assert leases["batches"] == registry.BATCHES
    assert members["keys"] == registry.KEYS
    assert load("templates").layout["freezes"] == templates.ZONE_FREEZES
    assert load("authorizations").layout["parents"] == registry.PARENTS
    governance, parameters = load("governance").layout, load("parameters").layout
    assert governance["proposal_count"] == proposals.PROPOSAL_COUNT
    assert governance["proposals"] == proposals.PROPOSALS
    assert governance["shares"] == proposals.SHARES
    assert parameters["values"] == proposals.VALUES
    assert parameters["features"] == proposals.FEATURES
    assert parameters["vocabulary_in_force"] == proposals.VOCABULARY_IN_FORCE
    assert load("holidays").layout["tables"] == proposals.TABLES
    assert load("authorizations").layout["freezes"] == registry.FREEZES
    assert load("authorizations").layout["versions"] == registry.VERSIONS
    assert load("authorizations").layout["interruptions"] == interruptions.INTERRUPTIONS
    assert load("delegations").layout["delegations"] == delegations.RECORDS
    assert load("consents").layout["revoked"] == consents.REVOKED
    assert load("versions").layout["version_count"] == versions.VERSION_COUNT
    assert load("versions").layout["versions"] == versions.VERSION_RECORDS
    assert load("versions").layout["halts"] == versions.HALTS
    assert load("obligations").layout["obligations"] == obligations.RECORDS
    assert load("obligations").layout["holds"] == obligations.HOLDS
    assert load("disputes").layout["dispute_count"] == disputes.DISPUTE_COUNT
    assert load("disputes").layout["disputes"] == disputes.RECORDS
    assert load("statements").layout["fees"] == statements.FEES
    assert load("statements").layout["payments"] == statements.PAYMENTS
    assert load("templates").layout["templates"] == templates.TEMPLATES_AT
    assert load("templates").layout["lists"] == templates.LISTS
    tried = load("sandboxes").layout
    assert tried["sandbox_count"] == sandboxes.COUNT
    assert tried["sandboxes"] == sandboxes.RECORDS
    assert tried["counted"] == sandboxes.COUNTED
    assert tried["listed"] == sandboxes.LISTED
    asked = load("applications").layout
    assert asked["application_count"] == applications.COUNT
    assert asked["applications"] == applications.RECORDS
    assert asked["newest"] == applications.NEWEST
    assert asked["approved"] == applications.APPROVED
    assert load("exports").layout["seen"] == exports.SEEN
    assert load("exports").layout["recorded"] == exports.RECORDED
    assert load("sealed").layout["records"] == sealed.RECORDS
    assert load("sealed").layout["leases"] == sealed.LEASES
    assert load("closings").layout["statements"] == registry.STATEMENTS
    assert load("challenges").layout["voids"] == registry.VOIDS
    assert load("challenges").layout["corrections"] == registry.CORRECTIONS


def test_every_purpose_fits_the_word_of_a_template():
    assert max(term.index for term in load_vocabulary()["purpose"]) < 152


def test_besu_finds_the_validators():
    assert load("members").methods["getValidators()"].hex() == "b7ab4db5"


def test_contracts_know_each_other_where_genesis_puts_them():
    text = (ROOT / "addresses.vy").read_text("utf-8")
    for name, address in ADDRESSES.items():
        assert f"{name.upper()}: constant(address) = 0x{address.hex()}".lower() in text.lower()


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"name": 1}', b"x" * (1 << 21)])
def test_a_malformed_artifact_is_one_error(data):
    with pytest.raises(ArtifactError):
        parse(data)


def test_an_unknown_contract_is_named():
    with pytest.raises(ArtifactError, match="no contract 'treasury'"):
        load("treasury")


def test_reasons_begin_with_their_contract():
    for name in CONTRACTS:
        artifact = json.loads((ROOT / "artifacts" / f"{name}.json").read_text("utf-8"))
        assert artifact["reasons"]
        prefixes = tuple(f"{prefix}: " for prefix in (name, *SHARED))
        assert all(reason.startswith(prefixes) for reason in artifact["reasons"])


# Every change of state that can alter a permission names itself in an event (R16). Vyper's syntax
# for functions is Python's once the few statements of its own are rewritten, so Python reads it.


def _functions(name: str) -> dict[str, ast.FunctionDef]:
    lines = []
    for line in (ROOT / f"{name}.vy").read_text("utf-8").split("\n"):
        stripped = line.lstrip()
        for keyword in ("log ", "extcall ", "staticcall "):
            stripped = stripped.replace(f"= {keyword}", f"= {keyword.strip()}_ << ")
        if stripped.startswith(("log ", "extcall ")):
            keyword, rest = stripped.split(" ", 1)
            stripped = f"{keyword}_ << {rest}"
        stripped = stripped.replace("staticcall ", "staticcall_ << ")
        if stripped.startswith("for ") and ": " in stripped and stripped.endswith(":"):
            stripped = "for _ in range(1):"
        if stripped.startswith(("struct ", "event ")):
            stripped = f"class {stripped.split(' ', 1)[1]}"
        if stripped.startswith("implements:"):
            stripped = ""
        lines.append(line[: len(line) - len(line.lstrip())] + stripped)
    text = "\n".join(lines).replace('x"', 'b"').replace("'''", '"""')
    return {
        node.name: node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)
    }


def _writes(node: ast.AST) -> bool:
    targets = []
    for inner in ast.walk(node):
        if isinstance(inner, ast.Assign):
            targets += inner.targets
        elif isinstance(inner, ast.AugAssign):
            targets.append(inner.target)
    return any(ast.unparse(target).startswith("self.") for target in targets)


def _calls(node: ast.AST) -> set[str]:
    return {
        inner.func.attr
        for inner in ast.walk(node)
        if isinstance(inner, ast.Call) and ast.unparse(inner.func).startswith("self._")
    }


def _logs(node: ast.AST) -> bool:
    return any(isinstance(inner, ast.Name) and inner.id == "log_" for inner in ast.walk(node))


def _is_external(node: ast.FunctionDef) -> bool:
    return {"external"} <= {ast.unparse(decorator) for decorator in node.decorator_list}


SILENT = {
    "authorizations": {"begin", "reserve", "release", "returnToWindow"},
    "leases": {"advance", "finish"},
}
"""Answers to one other contract, which names in its own event what they move: Grants begins by
`AuthorizationRequested`, Leases opens and closes by `LeaseOpened`, `LeaseClosed` and
`BatchAnchored`, Closings advances by its own events."""


STATELESS = {"refusals", "lineage"}
"""Contracts that keep nothing: they call, or judge, and others write."""


@pytest.mark.parametrize("name", CONTRACTS)
def test_every_function_that_writes_names_it_in_an_event(name):
    functions = _functions(name)
    writers = {key for key, node in functions.items() if _writes(node)}
    loud = {key for key, node in functions.items() if _logs(node)}
    assert bool(writers) != (name in STATELESS), "the sources were not understood"
    for key, node in functions.items():
        reached, waiting = set(), {key}
        while waiting:
            reached |= waiting
            waiting = {c for r in waiting for c in _calls(functions[r])} & set(functions) - reached
        if _is_external(node) and reached & writers and key not in SILENT.get(name, ()):
            assert reached & loud, f"{name}.{key} writes and logs nothing"


def test_the_event_rule_can_fail():
    silent = ast.parse("def f(self):\n    self.count += 1")
    assert _writes(silent)
    assert not _logs(silent)
