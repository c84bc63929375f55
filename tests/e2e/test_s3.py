"""The archive in S3, on SeaweedFS: what the filesystem shows, and a store that goes away and comes back."""
import json
import time

import pytest

from logstone import manifest, wait_until
from s3_logstone import S3Logstone

# The same tests as on the filesystem; this file's `logstone` has its archive in S3.
from test_byte_exact import test_both_outputs_in_order, test_nasty_bytes, test_one_long_line  # noqa: F401
from test_commands import (archived, test_a_step_that_ended_is_read_while_its_workflow_runs,  # noqa: F401
                           test_ls_get_logs, test_retention_by_hand, test_retention_by_policy,
                           test_the_same_by_server_and_without_any, test_two_programs_on_one_folder)
from test_faults import (test_a_flipped_bit_is_found_and_the_rest_is_served,  # noqa: F401
                         test_a_lost_catalogue_is_made_again_from_the_store, test_a_truncated_object_is_found,
                         test_logs_deleted_while_they_are_written_leave_a_gap_or_every_byte)
from test_kill import test_killed_at_random  # noqa: F401


@pytest.fixture
def logstone(request, tmp_path, seaweedfs):
    program = S3Logstone(request.config.getoption("--binary"), tmp_path / "data", seaweedfs,
                         f"archives/{tmp_path.name}")
    yield program
    program.end()


@pytest.fixture
def kills():
    return 30


def test_the_data_folder_holds_only_what_can_be_made_again(logstone, tmp_path):
    uid = logstone.submit(manifest("for i in range(2000): print('line', i)", ttl=1))
    key = logstone.wait_for(uid, "deleted")["streams"][0]["key"]
    whole = b"".join(b"line %d\n" % i for i in range(2000))
    assert logstone.stop() == 0
    assert not (logstone.data / "store").exists()
    # Another machine: an empty folder, with a server and without.
    logstone.data = tmp_path / "elsewhere"
    assert [item["uid"] for item in json.loads(logstone.ok("ls", "-o", "json"))] == [uid]
    assert logstone.ok("logs", uid) == whole
    logstone.data = tmp_path / "third"
    logstone.up()
    wait_until(lambda: logstone.get("/api/v1/workflows")["items"], "the catalogue to be filled")
    assert logstone.log(uid, key) == whole
    logstone.ok("verify", "--all")
    logstone.stop()
    # A catalogue of one store is not shown as another's.
    logstone.environment["LOGSTONE_STORE"] = logstone.environment["LOGSTONE_STORE"].replace("?", "-other?")
    assert "catalog rebuild" in logstone.refused("ls", code=1)
    assert b"0 workflows" in logstone.ok("catalog", "rebuild")


def test_expiry_removes_the_objects(logstone):
    uid = logstone.submit(manifest("print('short')", ttl=1))
    logstone.wait_for(uid, "deleted")
    logstone.ok("rm", uid, "--reason", "no longer needed")
    assert [key for key in logstone.objects() if uid in key and not key.endswith("record.json")] == []


def test_what_cannot_be_used_is_told(logstone):
    # A secret in none of the messages.
    logstone.environment["AWS_SECRET_ACCESS_KEY"] = "a-wrong-secret"
    said = logstone.refused("up", "--listen", "127.0.0.1:0", code=3)
    assert "SignatureDoesNotMatch" in said and "a-wrong-secret" not in said
    shown = logstone.ok("config", "check").decode()
    assert logstone.environment["LOGSTONE_STORE"] in shown and "a-wrong-secret" not in shown
    logstone.refused("ls", "--store", "s3://UPPER", says="bucket")
    logstone.refused("ls", "--store", "s3://logs?endpoint=http://127.0.0.1:1&colour=red", says="colour")


def test_the_store_is_killed_in_the_middle(logstone, seaweedfs):
    logstone.environment["LOGSTONE_SEGMENT_AGE"] = "300ms"
    lines = 1500
    source = f"import time\nfor i in range({lines}):\n    print('line', i, flush=True)\n    time.sleep(0.01)"
    uid = logstone.submit(manifest(source, ttl=1))
    wait_until(lambda: logstone.metric("logstone_segments_written_total") > 1, "something to be durable")
    key = logstone.workflow(uid)["streams"][0]["key"]
    seaweedfs.kill()
    try:
        wait_until(lambda: logstone.metric("logstone_s3_up") == 0, "the loss to be noticed")
        status, body, _ = logstone.http("/readyz")
        assert status == 503, body
        wait_until(lambda: logstone.metric("logstone_oldest_pending_seconds") > 2, "a lag")
        assert logstone.metric("logstone_workflows_released_total") == 0
        # A start without the store: it waits, and says so.
        logstone.kill()
        logstone.up()
        assert logstone.http("/readyz")[0] == 503 and logstone.http("/healthz")[0] == 200
        assert b"cannot be reached yet" in (logstone.data.parent / "up.log").read_bytes()
        time.sleep(1)
    finally:
        seaweedfs.start()
    workflow = logstone.wait_for(uid, "deleted")
    assert logstone.log(uid, key) == b"".join(b"line %d\n" % i for i in range(lines))
    assert not workflow["streams"][0]["gaps"]
    wait_until(lambda: logstone.http("/readyz")[0] == 200, "readiness")
    assert logstone.metric("logstone_pending_bytes") == 0 and logstone.metric("logstone_s3_up") == 1
    logstone.ok("verify", uid)
