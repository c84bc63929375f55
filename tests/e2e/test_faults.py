"""Damage, full disks and deletion behind the product's back, as the whole program meets them."""
import os
import shutil
import subprocess

import pytest

from logstone import manifest, wait_until


def archived(logstone, source="for i in range(20000): print('line', i)"):
    uid = logstone.submit(manifest(source))
    return logstone.wait_for(uid, "released", "deleted")


def test_a_flipped_bit_is_found_and_the_rest_is_served(logstone):
    first = archived(logstone)
    logstone.stop()
    second = archived(logstone)
    path = logstone.segments(first["streams"][0]["key"])[0]
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 0x10
    logstone.replace_object(path, content)
    said = logstone.refused("verify", "--all", code=1)
    assert path.name in said and "1 of 2" in said
    logstone.ok("verify", second["uid"])
    assert logstone.log(second["uid"], second["streams"][0]["key"]).count(b"\n") == 20000
    # What cannot be read is an error, never other bytes.
    done = logstone.call("logs", first["uid"])
    whole = b"".join(b"line %d\n" % i for i in range(20000))
    assert done.returncode != 0 and whole.startswith(done.stdout) and done.stdout != whole


def test_a_truncated_object_is_found(logstone):
    workflow = archived(logstone)
    path = logstone.segments(workflow["streams"][0]["key"])[0]
    logstone.replace_object(path, path.read_bytes()[:-1])
    assert path.name in logstone.refused("verify", workflow["uid"], code=1)


def test_a_lost_catalogue_is_made_again_from_the_store(logstone):
    workflow = archived(logstone)
    before = logstone.ok("logs", workflow["uid"])
    logstone.ok("hold", workflow["uid"], "--reason", "kept in the record")
    logstone.stop()
    for path in logstone.data.glob("catalog.sqlite*"):
        path.unlink()
    (logstone.data / "catalog.sqlite").write_bytes(b"this is no database" * 500)
    assert "catalog rebuild" in logstone.refused("ls", code=1)
    assert b"1 workflows" in logstone.ok("catalog", "rebuild")
    assert logstone.ok("logs", workflow["uid"]) == before
    assert b"kept in the record" in logstone.ok("get", workflow["uid"])


@pytest.fixture
def small_store(logstone):
    """The store on a disk of 8 MiB of its own."""
    store = logstone.data / "store"
    store.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(store)], check=True)
    yield store
    logstone.end()
    subprocess.run(["umount", "-l", str(store)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="a small disk can be mounted by root only")
def test_a_full_disk_is_waited_out(logstone, small_store):
    logstone.environment["LOGSTONE_SEGMENT_AGE"] = "200ms"
    filler = small_store / "filler"
    with open(filler, "wb") as file:
        try:
            while True:
                file.write(os.urandom(65536))
                file.flush()
        except OSError:
            pass
    lines = 30000
    source = f"import random\nr = random.Random(1)\nfor i in range({lines}): print(i, r.getrandbits(64))"
    (logstone.data.parent / "workflow.yaml").write_text(manifest(source, ttl=1))
    logstone.up(str(logstone.data.parent / "workflow.yaml"))
    # Nothing can be proven, so nothing is let go, and it is said why.
    wait_until(lambda: b"No space left" in (logstone.data.parent / "up.log").read_bytes()
               or any(line.startswith("logstone_store_failures_total") and float(line.split()[1]) > 0
                      for line in logstone.http("/metrics")[1].decode().splitlines()), "the full disk to be noticed")
    filler.unlink()
    item = wait_until(lambda: [w for w in logstone.get("/api/v1/workflows")["items"] if w["state"] == "deleted"],
                      "the workflow to be archived once there is room")[0]
    workflow = logstone.workflow(item["uid"])
    assert logstone.log(item["uid"], workflow["streams"][0]["key"]).count(b"\n") == lines
    logstone.ok("verify", item["uid"])


@pytest.mark.skipif(os.geteuid() != 0, reason="a folder is made read-only by a mount")
def test_a_read_only_folder_is_refused_with_advice(logstone):
    logstone.data.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,ro", "tmpfs", str(logstone.data)], check=True)
    try:
        said = logstone.refused("up", "--listen", "127.0.0.1:0", code=3)
        assert str(logstone.data) in said
    finally:
        subprocess.run(["umount", "-l", str(logstone.data)], check=True)


def test_logs_deleted_while_they_are_written_leave_a_gap_or_every_byte(logstone):
    source = "import time\nfor i in range(400):\n    print('line', i, flush=True)\n    time.sleep(0.01)"
    uid = logstone.submit(manifest(source))
    stream = wait_until(lambda: [s for s in logstone.workflow(uid)["streams"] if s["lines"] > 20], "some lines")[0]
    pods = logstone.data / "cluster" / "pods"
    for folder in pods.iterdir():
        shutil.rmtree(folder)
    workflow = logstone.wait_for(uid, "released", "deleted")
    body = logstone.log(uid, stream["key"])
    whole = b"".join(b"line %d\n" % i for i in range(400))
    (stream,) = workflow["streams"]
    assert body == whole or (whole.startswith(body) and stream["gaps"]), (len(body), stream)
