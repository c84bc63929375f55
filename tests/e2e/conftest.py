import pathlib

import pytest

from logstone import Logstone

ROOT = pathlib.Path(__file__).resolve().parents[2]


def pytest_addoption(parser):
    parser.addoption("--binary", default=str(ROOT / "build" / "logstone"))
    parser.addoption("--gigabytes", type=float, default=0.0, help="how much test_byte_exact writes on top")
    parser.addoption("--kills", type=int, default=200)
    parser.addoption("--seed", type=int, default=20260101)
    parser.addoption("--screenshots", default="", help="folder that test_page writes pictures to")


@pytest.fixture
def logstone(request, tmp_path):
    """A Logstone on a data folder of its own; ended, with all that it runs, when the test is over."""
    program = Logstone(request.config.getoption("--binary"), tmp_path / "data")
    yield program
    program.end()


@pytest.fixture
def kills(request):
    """How often test_kill kills."""
    return request.config.getoption("--kills")


@pytest.fixture(scope="session")
def seaweedfs(tmp_path_factory):
    """The S3 server that all tests share."""
    from seaweed import SeaweedFs  # Only where it is installed and asked for.
    server = SeaweedFs(tmp_path_factory.mktemp("seaweedfs"))
    yield server
    server.kill()
