"""kill -9 of the program at random instants, under load: nothing lost, nothing doubled, nothing deleted unproven."""
import json
import random
import time

from logstone import wait_until

STEPS = 4
LINES = 6000


def expected(step):
    return "".join(f"{step} {i} " + "payload " * (i * 31 % 40) + "\n" for i in range(LINES)).encode()


MANIFEST = f"""apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata:
  generateName: killed-
spec:
  entrypoint: all
  ttlStrategy: {{secondsAfterCompletion: 1}}
  templates:
    - name: all
      steps:
        - - name: write
            template: write
            arguments: {{parameters: [{{name: step, value: "{{{{item}}}}"}}]}}
            withSequence: {{count: "{STEPS}"}}
        - - name: again
            template: write
            arguments: {{parameters: [{{name: step, value: "9"}}]}}
    - name: write
      inputs: {{parameters: [{{name: step}}]}}
      script:
        image: python:3.11
        command: [python3]
        source: |
          import sys, time
          for i in range({LINES}):
              sys.stdout.write(f"{{{{inputs.parameters.step}}}} {{i}} " + "payload " * (i * 31 % 40) + "\\n")
              if i % 50 == 0:
                  sys.stdout.flush()
                  time.sleep(0.02)
"""


def is_over(logstone, uid):
    items = json.loads(logstone.ok("ls", "-o", "json"))
    return any(item["uid"] == uid and item["state"] == "deleted" for item in items)


def check(logstone, uid):
    workflow = logstone.wait_for(uid, "deleted")
    assert workflow["phase"] == "Succeeded"
    assert len(workflow["streams"]) == STEPS + 1
    for stream in workflow["streams"]:
        assert stream["complete"] and not stream["gaps"], stream
        body = logstone.log(uid, stream["key"])
        assert body == expected(int(body.split()[0])), stream["key"]
    actions = [event["action"] for event in workflow["audit"]]
    for once in ("sealed", "verified", "released", "deleted"):
        assert actions.count(once) == 1, actions
    assert actions.index("verified") < actions.index("released") < actions.index("deleted")
    logstone.ok("verify", uid)
    kept = {key for stream in workflow["streams"] for key in [stream["key"]]}
    folders = {key.split("/")[-2] for key in logstone.objects() if key.endswith(".zst") and uid in key}
    assert folders == kept


def test_killed_at_random(logstone, kills, request):
    instants = random.Random(request.config.getoption("--seed"))
    uids = []
    done = 0
    uid = logstone.submit(MANIFEST)
    uids.append(uid)
    while done < kills:
        time.sleep(instants.uniform(0.0, 0.35))
        logstone.kill()
        done += 1
        if is_over(logstone, uid):
            uid = logstone.submit(MANIFEST)
            uids.append(uid)
        else:
            logstone.up()
    for one in uids:
        check(logstone, one)
    wait_until(lambda: not list((logstone.data / "cluster" / "pods").glob("*")), "the pods' log files to be deleted")
