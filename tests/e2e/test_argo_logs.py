"""The case that the product exists for: workflow gone, pods gone, and the UI asks for the log by pod and day."""
import gzip
import json
import urllib.parse
import uuid

import pytest

from seaweed import ACCESS, SECRET

DAY = "2026-08-02"
PRIVATE = "private-artifacts/{{workflow.namespace}}/{{workflow.name}}/{{workflow.creationTimestamp.Y}}/" \
          "{{workflow.creationTimestamp.m}}/{{workflow.creationTimestamp.d}}/{{pod.name}}"


def fnv1a(text):
    value = 2166136261
    for byte in text.encode():
        value = (value ^ byte) * 16777619 % 2**32
    return value


def pod_v1(workflow, node):
    return f"{workflow}-{fnv1a(node)}"


def pod_v2(workflow, node, template):
    return f"{workflow}-{template}-{fnv1a(node)}"


class Bucket:
    """A bucket as Argo fills it."""

    def __init__(self, server):
        self.server = server
        self.name = f"argo-{uuid.uuid4().hex[:12]}"
        self.client = server.client()
        self.client.create_bucket(Bucket=self.name)

    def put(self, key, content):
        self.client.put_object(Bucket=self.name, Key=key, Body=content)

    def ui_environment(self):
        """What an operator has in the Deployment of ml-pipeline-ui."""
        host, port = self.server.url.removeprefix("http://").split(":")
        return {"ARGO_ARCHIVE_LOGS": "true", "ARGO_ARCHIVE_ARTIFACTORY": "minio", "ARGO_ARCHIVE_BUCKETNAME": self.name,
                "MINIO_HOST": host, "MINIO_PORT": port, "MINIO_NAMESPACE": "", "MINIO_SSL": "false",
                "MINIO_ACCESS_KEY": ACCESS, "MINIO_SECRET_KEY": SECRET, "DISABLE_GKE_METADATA": "true"}


@pytest.fixture
def bucket(seaweedfs):
    return Bucket(seaweedfs)


@pytest.fixture
def ui(logstone, bucket):
    """Logstone with the environment of a KFP UI server."""
    logstone.environment.update(bucket.ui_environment())
    return logstone


def ask(program, **parameters):
    return program.http("/k8s/pod/logs?" + urllib.parse.urlencode(parameters))


def test_the_seed_case(ui, bucket):
    logs = {}
    for workflow in ("iris-x7k2p", "my-system-container-impl-run-q1", "a-system-dag-driver-b", "one.two"):
        for pod in (pod_v1(workflow, f"{workflow}.a"), pod_v2(workflow, f"{workflow}.a", "train"), workflow,
                    pod_v2(workflow, f"{workflow}.b", "system-container-impl"),
                    pod_v2(workflow, f"{workflow}.c", "system-container-driver"),
                    pod_v2(workflow, f"{workflow}.d", "system-dag-driver")):
            log = f"log of {pod}\r\n".encode() + b"\xff\x00 no newline at the end"
            for key, found in ((f"artifacts/{workflow}/2026/08/02/{pod}", "artifacts"),
                               (f"private-artifacts/team-a/{workflow}/2026/08/02/{pod}-9", "private")):
                bucket.put(f"{key}/main.log", log + found.encode())
            logs[pod] = log
    ui.up()
    for pod, log in logs.items():
        status, body, headers = ask(ui, podname=pod, runid="gone", podnamespace="kubeflow", createdat=DAY)
        assert (status, body) == (200, log + b"artifacts"), pod
        assert headers["X-Logstone-Place"] == "argo-key-format"
        assert headers["X-Logstone-Object"].endswith(f"{pod}/main.log")
        # KFP's controller writes elsewhere than KFP's UI looks.
        status, body, _ = ask(ui, podname=pod + "-9", runid="gone", podnamespace="team-a", createdat=DAY)
        assert (status, body) == (200, log + b"private"), pod
    pod = next(iter(logs))
    assert ask(ui, podname=pod, createdat=DAY, tailLines=1)[1] == b"\xff\x00 no newline at the endartifacts"
    # Without the day: looked for among the workflow's keys.
    status, body, headers = ask(ui, podname=pod)
    assert (status, body, headers["X-Logstone-Place"]) == (200, logs[pod] + b"artifacts", "argo-listing")
    # The native way, and the command line.
    status, body, _ = ui.http(f"/api/v1/pods/{pod}/log?created={DAY}", headers={"Range": "bytes=0-5"})
    assert (status, body) == (206, b"log of")
    assert ui.ok("logs", pod) == logs[pod] + b"artifacts"


def test_packed_logs_and_other_containers(ui, bucket):
    bucket.put("artifacts/wf/2026/08/02/wf-a-1/main.log", gzip.compress(b"packed\n" * 1000))
    bucket.put("artifacts/wf/2026/08/02/wf-a-2/first.log", b"first\n")
    bucket.put("artifacts/wf/2026/08/02/wf-a-2/second.log", b"second\n")
    ui.up()
    assert ask(ui, podname="wf-a-1", createdat=DAY)[1] == b"packed\n" * 1000
    assert ask(ui, podname="wf-a-1", createdat=DAY, tailLines=2)[1] == b"packed\n" * 2
    assert ask(ui, podname="wf-a-2", createdat=DAY, container="second")[1] == b"second\n"
    status, body, _ = ask(ui, podname="wf-a-2", createdat=DAY)
    assert status == 404 and b"first.log, second.log" in body


def test_never_another_pods_log(ui, bucket):
    bucket.put("artifacts/wf/2026/08/02/wf-work-1/main.log", b"a")
    bucket.put("artifacts/wf-work/2026/08/02/wf-work-1/main.log", b"b")
    bucket.put("artifacts/wf/2026/08/02/wf-work-12/main.log", b"c")
    bucket.put("artifacts/wf/2026/08/03/wf-work-2/main.log", b"d")
    ui.up()
    status, body, _ = ask(ui, podname="wf-work-1", createdat=DAY)
    assert status == 409, body
    assert b"wf at artifacts/wf/" in body and b"wf-work at artifacts/wf-work/" in body
    assert ask(ui, podname="wf-work-12", createdat=DAY)[1] == b"c"
    assert ask(ui, podname="wf-work-2", createdat=DAY)[0] == 404
    assert ask(ui, podname="work-1", createdat=DAY)[0] == 404


def test_nothing_found_tells_every_place(ui, bucket):
    ui.up()
    status, body, headers = ask(ui, podname="no-such-7", podnamespace="team-a", createdat=DAY)
    text = body.decode()
    assert status == 404 and headers["Content-Type"].startswith("text/plain")
    assert text.startswith("Could not get main container logs: ")
    for place in ("our archive", f"artifacts/no-such/2026/08/02/no-such-7/main.log",
                  "private-artifacts/team-a/no-such/2026/08/02/no-such-7/main.log", bucket.name):
        assert place in text, text
    status, body, headers = ui.http(f"/api/v1/pods/no-such-7/log?namespace=team-a&created={DAY}")
    problem = json.loads(body)
    assert status == 404 and headers["Content-Type"] == "application/problem+json"
    assert len(problem["tried"]) >= 4 and any("no-such-7/main.log" in one for one in problem["tried"])
    assert ask(ui, podname="x", createdat="yesterday")[0] == 400
    said = ui.refused("logs", "no-such-7", code=1)
    assert "private-artifacts" in said


def test_configmaps_and_secrets(logstone, bucket, tmp_path):
    host = bucket.server.url.removeprefix("http://")
    kubeflow = tmp_path / "config" / "kubeflow"
    (kubeflow / "configmaps" / "workflow-controller-configmap").mkdir(parents=True)
    (kubeflow / "configmaps" / "workflow-controller-configmap" / "artifactRepository").write_text(
        f"s3:\n  bucket: {bucket.name}\n  endpoint: {host}\n  insecure: true\n  keyFormat: \"{PRIVATE}\"\n"
        "  accessKeySecret: {name: keys, key: accesskey}\n  secretKeySecret: {name: keys, key: secretkey}\n")
    (kubeflow / "secrets" / "keys").mkdir(parents=True)
    (kubeflow / "secrets" / "keys" / "accesskey").write_text(ACCESS)
    (kubeflow / "secrets" / "keys" / "secretkey").write_text(SECRET + "\n")
    bucket.put("private-artifacts/team-a/wf/2026/08/02/wf-a-1/main.log", b"by the ConfigMap")
    logstone.environment.update(LOGSTONE_ARGO_CONFIG=str(tmp_path / "config"), LOGSTONE_ARGO_NAMESPACE="kubeflow")
    logstone.up()
    status, body, _ = ask(logstone, podname="wf-a-1", podnamespace="team-a", createdat=DAY)
    assert (status, body) == (200, b"by the ConfigMap"), body.decode()


def test_a_store_that_is_away_is_told(ui, bucket):
    ui.environment["MINIO_PORT"] = "1"
    ui.up()
    status, body, _ = ask(ui, podname="wf-a-1", createdat=DAY)
    assert status == 404 and b"127.0.0.1:1" in body, body


def test_config_check_tells_what_each_name_became(ui, bucket):
    said = json.loads(ui.ok("config", "check", "-o", "json", server=False))
    assert said["argo_store"]["value"].startswith(f"s3://{bucket.name}?endpoint=http://127.0.0.1:")
    assert "MINIO_HOST" in said["argo_store"]["source"]
    assert said["argo_secret_key"]["value"] == "(set)"
    became = said["kfp_environment"]
    assert became["ARGO_KEYFORMAT"]["set"] is False and became["ARGO_ARCHIVE_LOGS"]["set"] is True
    assert all(one["became"] for one in became.values())
    text = ui.ok("config", "check", server=False).decode()
    assert "KUBEFLOW_USERID_HEADER" in text and SECRET not in text


def test_authorization_that_cannot_be_asked_for_keeps_others_out(ui):
    ui.environment["ENABLE_AUTHZ"] = "true"
    ui.refused("up", "--listen", "0.0.0.0:0", code=2, says="ENABLE_AUTHZ")
    ui.up()
    assert ui.http("/healthz")[0] == 200
