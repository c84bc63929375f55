"""A bucket as Argo fills it is taken into the catalogue: killed in between, repeated, read back byte by byte."""
import concurrent.futures
import hashlib
import http.client
import json
import os
import re
import subprocess
import time
import urllib.parse

import pytest

from logstone import wait_until
from seaweed import ACCESS, SECRET

# LOGSTONE_TEST_PODS=10000 is what the documentation tells of; the difference is time alone.
PODS = int(os.environ.get("LOGSTONE_TEST_PODS", "2000"))
OF_A_WORKFLOW = 20
DAY = "{{workflow.creationTimestamp.Y}}/{{workflow.creationTimestamp.m}}/{{workflow.creationTimestamp.d}}"
FORMATS = ["private-artifacts/{{workflow.namespace}}/{{workflow.name}}/" + DAY + "/{{pod.name}}",
           "artifacts/{{workflow.name}}/" + DAY + "/{{pod.name}}",
           "{{workflow.name}}/{{pod.name}}"]
MOST_RESIDENT = 256 << 20


def content(pod):
    """A log as programs write them: no two alike, some empty, some binary, some with no newline at the end."""
    seed = hashlib.sha256(pod.encode()).digest()
    kind = seed[0] % 16
    if kind == 0:
        return b""
    if kind == 1:
        return bytes(range(256)) * 8 + seed
    lines = b"".join(b"%s line %d\r\n" % (pod.encode(), i) for i in range(seed[1] % 40))
    return lines + seed.hex().encode() + (b"" if kind == 2 else b"\n")


def pods_of_bucket():
    """(namespace, workflow, pod, key) of every pod, a third of them by each format and each way of naming pods."""
    for i in range(PODS):
        number, form = i // OF_A_WORKFLOW, (i // OF_A_WORKFLOW) % 3
        workflow = f"train-{number:05d}"
        digits = int.from_bytes(hashlib.sha256(str(i).encode()).digest()[:4], "big")
        pod = [f"{workflow}-system-container-impl-{digits}", f"{workflow}-fit-model-{digits}", f"{workflow}-{digits}"][i % 3]
        space = f"team-{number % 4}" if form == 0 else "kubeflow"
        day = f"2026/{1 + number % 9:02d}/{1 + number % 28:02d}"
        key = [f"private-artifacts/{space}/{workflow}/{day}/{pod}", f"artifacts/{workflow}/{day}/{pod}",
               f"{workflow}/{pod}"][form]
        yield space, workflow, pod, key + "/main.log"


@pytest.fixture
def filled(seaweedfs):
    client = seaweedfs.client()
    client.create_bucket(Bucket="mlpipeline")
    pods = list(pods_of_bucket())

    def put(part):
        own = seaweedfs.client()
        for _, _, pod, key in part:
            own.put_object(Bucket="mlpipeline", Key=key, Body=content(pod))
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(put, [pods[i::8] for i in range(8)]))
    client.put_object(Bucket="mlpipeline", Key="artifacts/readme.txt", Body=b"no log")
    client.put_object(Bucket="mlpipeline", Key=pods[0][3].replace("main.log", "model.tgz"), Body=b"no log either")
    return client, pods


def configure(logstone, seaweedfs):
    logstone.environment.update(
        LOGSTONE_ARGO_STORE=f"s3://mlpipeline?endpoint={seaweedfs.url}", LOGSTONE_ARGO_ACCESS_KEY=ACCESS,
        LOGSTONE_ARGO_SECRET_KEY=SECRET, LOGSTONE_ARGO_NAMESPACE="kubeflow", LOGSTONE_KEY_FORMATS=",".join(FORMATS))


def adopt(logstone, *arguments):
    return json.loads(logstone.ok("adopt", "-o", "json", *arguments))["counts"]


def read_all(logstone, pods):
    """Every pod's log, as a UI asks for it, against what Argo wrote."""
    address = urllib.parse.urlsplit(logstone.url)

    def read(part):
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=120)
        for space, _, pod, _ in part:
            connection.request("GET", f"/k8s/pod/logs?podname={pod}&podnamespace={space}")
            answer = connection.getresponse()
            body = answer.read()
            assert answer.status == 200, (pod, body[:500])
            assert body == content(pod), pod
            assert answer.getheader("X-Logstone-Place") == "archive", (pod, answer.getheaders())
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        list(pool.map(read, [pods[i::6] for i in range(6)]))


def peak(logstone):
    status = open(f"/proc/{logstone.process.pid}/status", encoding="ascii").read()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) << 10


def some_are_adopted(logstone):
    return logstone.get("/api/v1/workflows?limit=1")["items"]


def test_a_whole_bucket(logstone, seaweedfs, filled):
    client, pods = filled
    configure(logstone, seaweedfs)
    begin = time.monotonic()
    logstone.up()
    counts = adopt(logstone, "--dry-run")
    assert counts["adopted"] == len(pods) and counts["foreign"] >= 2, counts
    assert not some_are_adopted(logstone)

    # The command is killed, then the server under the next one; what was done stands, and the rest is done.
    command = [logstone.binary, "adopt", "--data", str(logstone.data)]
    first = subprocess.Popen(command, env=logstone.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    wait_until(lambda: some_are_adopted(logstone), "the first workflow")
    first.kill()
    first.communicate()
    second = subprocess.Popen(command, env=logstone.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    logstone.kill()
    try:
        logstone.up()
    except AssertionError:  # The command found no server any more, and works on the folder itself.
        second.wait(timeout=300)
        logstone.up()
    second.wait(timeout=300)
    counts = adopt(logstone)
    assert counts["failed"] == 0 and counts["adopted"] + counts["unchanged"] == len(pods), counts
    counts = adopt(logstone)
    assert (counts["adopted"], counts["updated"], counts["unchanged"]) == (0, 0, len(pods)), counts

    read_all(logstone, pods)
    assert peak(logstone) < MOST_RESIDENT, peak(logstone)
    assert logstone.stop() == 0
    logstone.up()
    read_all(logstone, pods[::3])
    assert peak(logstone) < MOST_RESIDENT, peak(logstone)
    print(f"{len(pods)} pods, {time.monotonic() - begin:.1f} s, peak {peak(logstone) >> 20} MiB")
    check_what_references_mean(logstone, client, pods)


def check_what_references_mean(logstone, client, pods):
    # The catalogue may be lost: the records are in our store.
    logstone.stop()
    (logstone.data / "catalog.sqlite").unlink()
    logstone.ok("catalog", "rebuild")
    logstone.up()
    read_all(logstone, pods[:50])

    # What changes behind our back is told, and taken when it is asked for.
    space, workflow, pod, key = pods[1]
    client.put_object(Bucket="mlpipeline", Key=key, Body=b"grown beyond what it was, certainly\n" * 99)
    client.delete_object(Bucket="mlpipeline", Key=pods[2][3])
    said = logstone.refused("verify", f"{space}/{workflow}", code=1)
    assert "bytes, in the record" in said and "gone" in said and key in said, said
    counts = adopt(logstone, "--namespace", space)
    assert counts["updated"] == 1 and counts["adopted"] == 0, counts
    assert logstone.http(f"/k8s/pod/logs?podname={pod}")[1].startswith(b"grown beyond")

    # Copies stay when Argo's objects go; the workflow's removal leaves Argo's objects alone.
    other = next(one for one in pods if one[0] == "team-1")
    of_other = [one for one in pods if one[1] == other[1]]
    counts = adopt(logstone, "--namespace", "team-1", "--copy")
    assert counts["failed"] == 0 and counts["updated"] >= len(of_other), counts
    logstone.ok("verify", f"{other[0]}/{other[1]}")
    client.delete_object(Bucket="mlpipeline", Key=other[3])
    read_all(logstone, of_other)
    logstone.ok("rm", f"{space}/{workflow}", "--reason", "done with it")
    assert client.get_object(Bucket="mlpipeline", Key=pods[0][3])["Body"].read() == content(pods[0][2])
    counts = adopt(logstone, "--namespace", space)
    assert counts["removed"] == len([one for one in pods if one[1] == workflow]) - 1, counts


def test_what_is_not_configured_is_told(logstone):
    logstone.up()
    assert "argo_store" in logstone.refused("adopt", code=2)
