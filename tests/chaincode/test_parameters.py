"""What the consortium sets by vote stays within the bounds that no vote leaves."""

import pytest

from node.errors import ConfigError
from node.sdk.governance import activate_feature, adopt_vocabulary, set_parameter
from node.spec import proposals
from node.spec.crypto import keccak256
from node.spec.proposals import Proposal
from node.spec.types import ZERO_HASH
from node.spec.vocabulary import VERSION, Parameter, ProposalKind
from tests.chaincode import world as w

FEATURE = keccak256(b"feature")


@pytest.fixture
def world():
    return w.genesis()


def asked(world, proposal, reason):
    call = ("governance", "propose", int(proposal.kind), proposal.content)
    assert world.refused("a.governor", *call) == f"parameters: {reason}"


def test_each_parameter_begins_within_its_bounds(world):
    read = world.reader("parameters")
    for parameter in Parameter:
        least, most = world.view("parameters", "boundsOf", parameter)
        assert 0 < least <= proposals.value_of(read, parameter) <= most
        assert world.view("parameters", "valueOf", parameter) == proposals.value_of(read, parameter)


@pytest.mark.parametrize("parameter", Parameter)
def test_a_parameter_is_set_up_to_its_bounds_and_not_past_them(world, parameter):
    least, most = world.view("parameters", "boundsOf", parameter)
    for value in (least - 1, most + 1, 2**256 - 1):
        asked(world, set_parameter(parameter, value), "value out of bounds")
    done = w.govern(world, set_parameter(parameter, most))
    assert w.events(done) == ["ProposalEnacted", "ParameterSet"]
    assert proposals.value_of(world.reader("parameters"), parameter) == most


def test_the_time_lock_has_a_floor_of_genesis(world):
    assert world.view("parameters", "boundsOf", Parameter.TIME_LOCK) == (w.FLOOR // 10, 14 * w.DAY)


def test_parameters_are_those_of_the_vocabulary(world):
    for number in (0, len(Parameter) + 1):
        content = number.to_bytes(32, "big") + w.FLOOR.to_bytes(32, "big")
        asked(world, Proposal(ProposalKind.PARAMETER, content), "unknown parameter")
    asked(world, Proposal(ProposalKind.PARAMETER, bytes(63)), "malformed content")


def test_a_feature_begins_at_its_block(world):
    read = world.reader("parameters")
    assert proposals.feature_height(read, FEATURE) is None
    height = world.number + 20
    done = w.govern(world, activate_feature(FEATURE, height))
    assert w.events(done) == ["ProposalEnacted", "FeatureActivated"]
    assert proposals.feature_height(read, FEATURE) == height
    assert world.view("parameters", "heightOf", FEATURE) == height
    world.number = height - 1
    assert not world.view("parameters", "isActive", FEATURE)
    w.govern(world, activate_feature(keccak256(b"other"), world.number + 30))
    assert world.view("parameters", "isActive", FEATURE)
    asked(world, activate_feature(FEATURE, world.number + 30), "feature has begun")


def test_a_feature_is_postponed_before_it_begins(world):
    w.govern(world, activate_feature(FEATURE, world.number + 40))
    later = world.number + 100
    w.govern(world, activate_feature(FEATURE, later))
    assert world.view("parameters", "heightOf", FEATURE) == later


def test_a_feature_gives_nodes_notice(world):
    asked(world, activate_feature(ZERO_HASH, world.number + 50), "no feature")
    asked(world, activate_feature(FEATURE, world.number + 10), "height out of range")
    asked(world, activate_feature(FEATURE, 2**63), "height out of range")
    soon = activate_feature(FEATURE, world.number + 12)
    number = w.carry(world, soon)
    world.time += w.TIME_LOCK
    refused = world.refused("a.governor", "governance", "enact", number, soon.content)
    assert refused == "parameters: height out of range"


def test_vocabularies_follow_each_other(world):
    read = world.reader("parameters")
    assert proposals.vocabulary_in_force(read) == (VERSION, ZERO_HASH)
    asked(world, adopt_vocabulary(VERSION, FEATURE), "not the next version")
    asked(world, adopt_vocabulary(VERSION + 2, FEATURE), "not the next version")
    asked(world, adopt_vocabulary(VERSION + 1, ZERO_HASH), "no source")
    done = w.govern(world, adopt_vocabulary(VERSION + 1, FEATURE))
    assert w.events(done) == ["ProposalEnacted", "VocabularyAdopted"]
    assert proposals.vocabulary_in_force(read) == (VERSION + 1, FEATURE)
    assert world.view("parameters", "vocabularyInForce") == (VERSION + 1, FEATURE)


@pytest.mark.parametrize(
    ("floor", "values", "reason"),
    [
        (9, [7_200], "floor out of range"),
        (86_401, [86_400], "floor out of range"),
        (3_600, [], "a value for each parameter"),
        (3_600, [359] * len(Parameter), "value out of bounds"),
    ],
)
def test_a_genesis_out_of_bounds_is_refused(floor, values, reason):
    with pytest.raises(ConfigError) as caught:
        w.construct(*w.members_arguments(), parameters=(floor, values))
    assert reason in caught.value.diagnostics()
