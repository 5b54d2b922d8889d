"""One story for all tests here: its chain is grown once and only read."""

import asyncio
from pathlib import Path

import pytest

from node.audit.bundle import Bundle, decode_bundle
from tests.unit.audit.factory import Story


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder: Path = tmp_path_factory.mktemp("audit")
    return Story(folder / "journal.db")


@pytest.fixture(scope="session")
def data(story: Story) -> bytes:
    wanted = (story.plain, story.personal, story.lapsing, story.declined)
    return asyncio.run(story.export(*wanted))


@pytest.fixture(scope="session")
def bundle(data: bytes) -> Bundle:
    return decode_bundle(data)
