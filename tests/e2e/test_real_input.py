"""Workflows as people run them: a training, a fan-out of a hundred pods, retries, a failing step, an exit handler."""
import sys

from logstone import manifest

TRAINING = """
import sys
import numpy
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import train_test_split
from tqdm import tqdm
x, y = load_digits(return_X_y=True)
x_train, x_test, y_train, y_test = train_test_split(x / 16, y, random_state=1)
model = SGDClassifier(random_state=1)
for epoch in tqdm(range(30), desc="training", mininterval=0.01):
    for part in numpy.array_split(numpy.arange(len(x_train)), 20):
        model.partial_fit(x_train[part], y_train[part], classes=range(10))
print(f"accuracy {model.score(x_test, y_test):.3f}")
"""

MANY = """apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: many-}
spec:
  entrypoint: all
  onExit: goodbye
  ttlStrategy: {secondsAfterCompletion: 2}
  templates:
    - name: all
      dag:
        tasks:
          - name: fan
            template: one
            arguments: {parameters: [{name: i, value: "{{item}}"}]}
            withSequence: {count: "100"}
          - {name: flaky, template: flaky}
          - {name: broken, template: broken, depends: "fan && flaky"}
          - {name: after, template: after, depends: "broken.Failed"}
    - name: one
      inputs: {parameters: [{name: i}]}
      container: {image: debian, command: [sh, -c], args: ["seq 1 {{inputs.parameters.i}}"]}
    - name: flaky
      retryStrategy: {limit: "3"}
      container: {image: debian, command: [sh, -c], args: ["echo attempt {{retries}}; test {{retries}} = 2"]}
    - name: broken
      container: {image: debian, command: [sh, -c], args: ["echo about to fail >&2; exit 7"]}
    - name: after
      container: {image: debian, command: [echo, "went on"]}
    - name: goodbye
      container: {image: debian, command: [echo, "exit handler: {{workflow.status}}"]}
"""


def test_a_training_with_progress_bars(logstone):
    text = manifest(TRAINING, name="train", ttl=1, interpreter=sys.executable)
    uid = logstone.submit(text)
    workflow = logstone.wait_for(uid, "deleted")
    assert workflow["phase"] == "Succeeded", workflow.get("message")
    log = logstone.log(uid, workflow["streams"][0]["key"])
    assert b"accuracy 0.9" in log and log.count(b"\rtraining:") > 5 and b"30/30" in log


def test_a_hundred_pods_retries_failure_and_exit_handler(logstone):
    path = logstone.data.parent / "many.yaml"
    path.write_text(MANY)
    done = logstone.call("run", "--wait-archived", str(path))
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    logstone.up()
    uid = logstone.get("/api/v1/workflows")["items"][0]["uid"]
    workflow = logstone.wait_for(uid, "deleted")
    nodes = {node["id"]: node for node in workflow["nodes"]}
    logs = {}
    for stream in workflow["streams"]:
        assert not stream["gaps"]
        logs[nodes[stream["nodeId"]]["displayName"]] = logstone.log(uid, stream["key"])
    for i in range(100):
        assert logs[f"fan({i}:{i})"] == b"".join(b"%d\n" % n for n in range(1, i + 1))
    assert [logs[f"flaky({i})"] for i in range(3)] == [b"attempt %d\n" % i for i in range(3)]
    assert logs["broken"] == b"about to fail\n" and logs["after"] == b"went on\n"
    assert any(log == b"exit handler: Succeeded\n" for log in logs.values())
    broken = next(node for node in workflow["nodes"] if node["displayName"] == "broken")
    assert broken["phase"] == "Failed" and broken["exitCode"] == 7
