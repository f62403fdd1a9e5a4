import os
import pathlib

import pytest

import orrery

LIBRARY = pathlib.Path(os.environ["ORRERY_ROOT"]) / "scenarios" / "library"
FOUR = LIBRARY / "baseline" / "four.yaml"


@pytest.fixture
def four():
    return FOUR


@pytest.fixture(scope="session")
def minute():
    """The first minute of four validators, as a scenario of its own."""
    return orrery.run(FOUR, set={"until": "60s"})


@pytest.fixture(scope="session")
def whole():
    """All of its ten minutes, with a partition in between."""
    split = ('[{at: t+3m, do: partition, name: split, for: 30s, '
             'sides: ["group(validators)[0..1]", "group(validators)[2..3]"]}]')
    return orrery.run(FOUR, set={"timeline": split})


@pytest.fixture
def command():
    path = pathlib.Path(os.environ["ORRERY_BUILD"]) / "harness" / "cli" / "orrery"
    if not path.exists():
        pytest.skip("the command is not built")
    return path
