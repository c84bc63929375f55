"""A store that fails in every way there is: nothing lost, nothing released unverified, and it is said what happens."""
import json
import random
import time

import pytest

from fault_proxy import FAULTS, FaultProxy
from logstone import manifest, wait_until
from s3_logstone import S3Logstone


@pytest.fixture
def proxy(seaweedfs):
    proxy = FaultProxy(seaweedfs.ports[0], seed=20260201)
    yield proxy
    proxy.stop()


@pytest.fixture
def logstone(request, tmp_path, seaweedfs, proxy):
    program = S3Logstone(request.config.getoption("--binary"), tmp_path / "data", seaweedfs,
                         f"faults/{tmp_path.name}", proxy.url, "&timeout=1s")
    program.environment["LOGSTONE_SEGMENT_AGE"] = "200ms"
    yield program
    program.end()


LINES = 400
SOURCE = f"import time\nfor i in range({LINES}):\n    print('line', i, 'x' * (i % 90), flush=True)\n    time.sleep(0.004)"
EXPECTED = "".join(f"line {i} " + "x" * (i % 90) + "\n" for i in range(LINES)).encode()


def check(logstone, uid):
    """Everything is there, once, in the order that promises it; the store is asked without faults."""
    workflow = logstone.wait_for(uid, "deleted")
    (stream,) = workflow["streams"]
    assert stream["complete"] and not stream["gaps"], stream
    assert logstone.log(uid, stream["key"]) == EXPECTED
    actions = [event["action"] for event in workflow["audit"]]
    for once in ("sealed", "verified", "released", "deleted"):
        assert actions.count(once) == 1, actions
    assert actions.index("verified") < actions.index("released") < actions.index("deleted")
    logstone.ok("verify", uid)


def is_deleted(logstone, uid):
    return any(item["uid"] == uid and item["state"] == "deleted" for item in logstone.get("/api/v1/workflows")["items"])


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault(logstone, proxy, fault):
    uid = logstone.submit(manifest(SOURCE, ttl=1))
    # A slow answer takes a time-out each: fewer of them. Lists are few.
    proxy.share, proxy.faults = {"slow": 0.1, "stale_list": 1.0}.get(fault, 0.3), [fault]
    wait_until(lambda: is_deleted(logstone, uid), "the workflow to be archived in spite of it")
    # Reads find nothing else either: whole, or an error.
    for _ in range(3):
        done = logstone.call("logs", uid)
        assert EXPECTED.startswith(done.stdout) and (done.returncode != 0 or done.stdout == EXPECTED), done.stderr
    if proxy.done[fault] == 0:  # Few requests: the dice may have missed them all.
        proxy.share = 1.0
        wait_until(lambda: logstone.call("verify", uid) and logstone.call("hold", uid, "--reason", "a write")
                   and logstone.http("/readyz") and proxy.done[fault] > 0, "the fault to happen")
    proxy.share = 0.0
    check(logstone, uid)
    if fault not in ("stale_list", "slow"):
        assert logstone.metric("logstone_s3_retries_total") + logstone.metric("logstone_s3_failures_total") > 0


def test_all_at_once_and_killed_meanwhile(logstone, proxy):
    proxy.share, proxy.faults = 0.15, [fault for fault in FAULTS if fault != "slow"]
    instants = random.Random(5)
    uid = logstone.submit(manifest(SOURCE, ttl=1))
    for _ in range(6):
        time.sleep(instants.uniform(0.2, 0.8))
        logstone.kill()
        logstone.up()
    wait_until(lambda: is_deleted(logstone, uid), "the workflow to be archived in spite of it")
    proxy.share = 0.0
    check(logstone, uid)
    # And what is in the bucket is all that it takes.
    logstone.stop()
    logstone.data = logstone.data.parent / "elsewhere"
    assert [item["uid"] for item in json.loads(logstone.ok("ls", "-o", "json"))] == [uid]
    assert logstone.ok("logs", uid) == EXPECTED


def test_what_does_not_pass_is_told_and_waited_for(logstone, proxy):
    uid = logstone.submit(manifest(SOURCE, ttl=1))
    wait_until(lambda: logstone.metric("logstone_segments_written_total") > 0, "something to be durable")
    proxy.share, proxy.faults = 1.0, ["slow_down"]
    wait_until(lambda: logstone.metric("logstone_s3_failures_total") > 0, "the failure to be counted")
    wait_until(lambda: b"SlowDown" in (logstone.data.parent / "up.log").read_bytes(), "the failure to be told")
    status, body, _ = logstone.http("/readyz")
    assert status == 503 and b"SlowDown" in body, body
    assert logstone.metric("logstone_workflows_released_total") == 0
    assert logstone.metric("logstone_pending_bytes") > 0 and logstone.metric("logstone_s3_up") == 0
    proxy.share = 0.0
    check(logstone, uid)
    assert logstone.metric("logstone_pending_bytes") == 0 and logstone.metric("logstone_s3_up") == 1
