"""Logs are also written where an unmodified KFP or Argo UI computes that they are, and never over more than ours."""
import datetime

import pytest

from logstone import manifest, wait_until
from seaweed import ACCESS, SECRET

DAY = "{{workflow.creationTimestamp.Y}}/{{workflow.creationTimestamp.m}}/{{workflow.creationTimestamp.d}}"
NAMED = """apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: %s}
spec:
  entrypoint: main
  templates:
    - name: main
      container: {image: "debian:12", command: [sh, -c], args: ["printf 'ours\\n'"]}
"""


def key(workflow, pod, container="main"):
    """As the UI computes it, from the names and the day that it knows."""
    year, month, day = workflow["created"][:10].split("-")
    return f"artifacts/{workflow['name']}/{year}/{month}/{day}/{pod}/{container}.log"


@pytest.fixture
def bucket(logstone, seaweedfs):
    client = seaweedfs.client()
    if "mlpipeline" not in [one["Name"] for one in client.list_buckets()["Buckets"]]:
        client.create_bucket(Bucket="mlpipeline")
    logstone.environment.update(
        LOGSTONE_PUBLISH="argo", LOGSTONE_ARGO_STORE=f"s3://mlpipeline?endpoint={seaweedfs.url}",
        LOGSTONE_ARGO_ACCESS_KEY=ACCESS, LOGSTONE_ARGO_SECRET_KEY=SECRET,
        LOGSTONE_KEY_FORMATS="artifacts/{{workflow.name}}/" + DAY + "/{{pod.name}}")
    return client


def published(client, object_key):
    return client.get_object(Bucket="mlpipeline", Key=object_key)["Body"].read()


def actions(workflow):
    return [event["action"] for event in workflow["audit"]]


def test_every_byte_is_where_the_ui_looks(logstone, bucket):
    source = ("import sys, os\nout = sys.stdout.buffer\n"
              "out.write(b'bar 1\\rbar 2\\n\\x1b[31mred\\x1b[0m \\xff\\x00\\n\\n')\n"
              "for i in range(800000): out.write(b'line %d\\n' % i)\nout.write(b'no newline')\n")
    uid = logstone.submit(manifest(source, ttl=0))
    workflow = logstone.wait_for(uid, "deleted")
    stream = workflow["streams"][0]
    assert stream["bytes"] > 4 << 20, "large enough to pass through a file"
    assert published(bucket, key(workflow, stream["podName"])) == logstone.log(uid, stream["key"])
    said = actions(workflow)
    assert said.index("verified") < said.index("published") < said.index("released") < said.index("deleted")


def test_an_object_that_holds_more_is_left_alone(logstone, bucket):
    today = datetime.datetime.now(datetime.timezone.utc)
    days = [(today + datetime.timedelta(days=more)).strftime("%Y/%m/%d") for more in (0, 1)]
    for day in days:
        bucket.put_object(Bucket="mlpipeline", Key=f"artifacts/longer/{day}/longer/main.log", Body=b"what Argo kept is longer\n")
        bucket.put_object(Bucket="mlpipeline", Key=f"artifacts/cut/{day}/cut/main.log", Body=b"ou")
    uid = logstone.submit(NAMED % "longer")
    workflow = logstone.wait_for(uid, "released")
    assert published(bucket, key(workflow, "longer")) == b"what Argo kept is longer\n"
    assert "published" in actions(workflow)
    logstone.stop()
    uid = logstone.submit(NAMED % "cut")
    workflow = logstone.wait_for(uid, "released")
    assert published(bucket, key(workflow, "cut")) == b"ours\n"


def test_a_bucket_that_is_away_is_waited_for(logstone, bucket, seaweedfs):
    seaweedfs.kill()
    uid = logstone.submit(NAMED % "patient")
    logstone.wait_for(uid, "verified")
    wait_until(lambda: b"\nlogstone_publish_failures_total 0" not in logstone.http("/metrics")[1], "a try that fails")
    assert logstone.workflow(uid)["state"] == "verified", "it is not released before it is published"
    logstone.kill()
    seaweedfs.start()
    logstone.up()
    workflow = logstone.wait_for(uid, "released")
    assert published(bucket, key(workflow, "patient")) == b"ours\n"
    assert actions(workflow).count("published") == 1


def test_it_needs_a_bucket(logstone):
    logstone.environment.update(LOGSTONE_PUBLISH="argo")
    logstone.refused("up", "--listen", "127.0.0.1:0", says="argo_store")
