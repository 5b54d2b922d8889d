"""The judge of the contracts' tests must itself be right: what it changes, what it calls killed."""

from pathlib import Path

import pytest

from scripts import contract_mutants as mutants
from scripts.contract_mutants import Site, Verdict

SOURCE = '''# a comment with a < b
"""
@notice Text with x == y and assert.
"""
FLOOR: constant(uint256) = 1_000

@external
def move(amount: uint256):
    """
    @dev Text with a >= b.
    """
    assert amount <= FLOOR, "thing: too much"
    assert (
        self.owner == msg.sender
    ), "thing: not < the owner"
    self.count += 1
    if amount != 0:
        self.left -= amount
    assert extcall Other(self.other).take(amount), "thing: other"
'''


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "thing.vy"
    path.write_text(SOURCE)
    return path


def test_sites_are_asserts_comparisons_and_counter_moves_of_the_code(source: Path) -> None:
    found = [(site.line, site.old.split()[0], site.new) for site in mutants.sites(source)]
    assert found == [
        (12, "assert", "pass"),
        (12, "<=", "<"),
        (13, "assert", "pass"),
        (14, "==", "!="),
        (16, "+=", "-="),
        (17, "!=", "=="),
        (18, "-=", "+="),
    ]


def test_a_planted_site_changes_that_place_alone(source: Path) -> None:
    (source.parent / "chaincode").mkdir()
    for site in mutants.sites(source):
        path = source.parent / "chaincode" / "thing.vy"
        path.write_text(SOURCE)
        mutants.plant(site, source.parent)
        assert path.read_text() == SOURCE[: site.start] + site.new + SOURCE[site.end :]
    assert mutants.sites(source)[2].title.startswith("thing.vy:13: 'assert ( self.owner")


def test_a_seed_draws_the_same_sites_in_the_same_order() -> None:
    folder = mutants.ROOT / "chaincode"
    first = [site.title for site in mutants.drawn(folder, 7)]
    assert first == [site.title for site in mutants.drawn(folder, 7)]
    assert first != [site.title for site in mutants.drawn(folder, 8)]
    assert sorted(first) == sorted(site.title for site in mutants.drawn(folder, 8))
    assert len(first) > 500
    assert not any(title.startswith(mutants.GENERATED) for title in first)


def test_a_site_goes_into_the_contracts_that_import_it() -> None:
    def affected(path: str) -> list[str]:
        return mutants.affected(Site(path, 1, 0, 1, "<", "<="))

    assert affected("leases.vy") == ["leases"]
    assert {"leases", "closings", "challenges"} <= set(affected("usage.vy"))


def test_the_tests_that_speak_of_the_contract_come_first() -> None:
    site = Site("closings.vy", 1, 0, 1, "<", "<=")
    ordered = mutants.ordered_tests(mutants.ROOT, site)
    assert ordered[0].endswith("test_closing.py")
    assert not any(path.endswith(mutants.LEFT_OUT) for path in ordered)


@pytest.mark.parametrize(
    ("code", "output", "verdict"),
    [
        (0, "12 passed", Verdict("survived")),
        (
            1,
            "FAILED a.py::t[x y] - AssertionError: no",
            Verdict("killed", "a.py::t[x y]: AssertionError: no"),
        ),
        (
            1,
            "FAILED a.py::t - Failed: DID NOT RAISE X",
            Verdict("killed", "a.py::t: Failed: DID NOT RAISE X"),
        ),
        (
            1,
            "FAILED a.py::t - tests.chaincode.world.Refusal: x: y",
            Verdict("killed", "a.py::t: tests.chaincode.world.Refusal: x: y"),
        ),
        (1, "FAILED a.py::t - KeyError: 5", Verdict("crashed", "a.py::t with KeyError: 5")),
        (2, "ERROR a.py - ImportError: no", Verdict("crashed", "a.py with ImportError: no")),
        (3, "pytest broke", Verdict("broken", "pytest broke")),
    ],
)
def test_what_a_run_says_of_a_mutant(code: int, output: str, verdict: Verdict) -> None:
    assert mutants.verdict_of(code, output) == verdict
