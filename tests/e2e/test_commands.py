"""Every command as a person types it: what it prints, what it refuses, which exit code a script sees."""
import json
import subprocess

import pytest

from logstone import manifest, wait_until

STEPS = """apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: steps-, labels: {tier: gold}}
spec:
  entrypoint: all
  arguments: {parameters: [{name: who, value: nobody}]}
  ttlStrategy: {secondsAfterCompletion: 1}
  templates:
    - name: all
      steps:
        - - {name: first, template: say, arguments: {parameters: [{name: text, value: "one {{workflow.parameters.who}}"}]}}
        - - {name: second, template: say, arguments: {parameters: [{name: text, value: two}]}}
    - name: say
      inputs: {parameters: [{name: text}]}
      container: {image: debian, command: [sh, -c], args: ["echo {{inputs.parameters.text}}; echo more; echo end"]}
"""


@pytest.fixture
def archived(logstone):
    """One workflow that the cluster has deleted, and a server."""
    path = logstone.data.parent / "steps.yaml"
    path.write_text(STEPS)
    logstone.ok("run", str(path), "-p", "who=you", "--wait-archived")
    logstone.up()
    items = wait_until(lambda: [w for w in logstone.get("/api/v1/workflows")["items"] if w["state"] == "deleted"], "deletion")
    return items[0]


def test_ls_get_logs(logstone, archived):
    name, uid = archived["name"], archived["uid"]
    for reference in (name, f"default/{name}", uid, name[:8], uid[:6], "@latest"):
        assert json.loads(logstone.ok("get", reference, "-o", "json"))["uid"] == uid
    assert logstone.ok("ls", "-o", "name").decode() == f"default/{name}\n"
    assert name.encode() in logstone.ok("ls", "-l", "tier=gold", "--phase", "Succeeded", "--since", "1h", "-n", "default")
    assert logstone.ok("ls", "-l", "tier!=gold", "-o", "name") == b""
    tree = logstone.ok("get", name).decode()
    assert "first" in tree and "verified" in tree and "deleted" in tree
    assert "apiVersion" in logstone.ok("get", name, "-o", "yaml").decode()
    assert logstone.ok("logs", name, "first") == b"one you\nmore\nend\n"
    assert logstone.ok("logs", name, "second", "--tail", "1") == b"end\n"
    assert logstone.ok("logs", name) == b"first: one you\nfirst: more\nfirst: end\nsecond: two\nsecond: more\nsecond: end\n"
    assert logstone.ok("logs", name, "first", "-f", "--prefix").startswith(b"first: one you\n")
    stamped = logstone.ok("logs", name, "first", "--timestamps").decode().splitlines()
    assert len(stamped) == 3 and all(line[:2] == "20" and "Z " in line for line in stamped)
    logstone.refused("logs", name, "nothing", code=1, says="its steps are: first, second")
    logstone.refused("logs", name, "first", "--previous", code=1, says="no attempt before")
    logstone.refused("get", "unknown", code=1, says="logstone ls")
    for empty in ("default/", "/", f"/{name}"):  # A prefix of everything is nobody's name.
        logstone.refused("get", empty, says="empty")
    for command in (["logs", name, "first"], ["ls"]):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([logstone.binary, *command, "--data", str(logstone.data)], stdout=full,
                                  stderr=subprocess.PIPE, env=logstone.environment)
        assert done.returncode == 3 and b"No space left" in done.stderr


def test_a_step_that_ended_is_read_while_its_workflow_runs(logstone):
    logstone.submit(STEPS.replace("- - {name: second, template: say, arguments: {parameters: [{name: text, value: two}]}}",
                                  "- - {name: second, template: wait}")
                    + """    - name: wait
      container: {image: debian, command: [sleep, "60"]}
""")
    wait_until(lambda: any(s["complete"] for s in logstone.workflow()["streams"]), "the first step's log to be complete")
    assert logstone.workflow()["state"] == "running"
    assert logstone.ok("logs", "@latest", "first") == b"one nobody\nmore\nend\n"
    (first,) = [s for s in logstone.workflow()["streams"] if s["complete"]]
    assert logstone.http(f"/k8s/pod/logs?podname={first['podName']}")[1] == b"one nobody\nmore\nend\n"


def test_the_same_by_server_and_without_any(logstone, archived):
    by_socket = logstone.ok("logs", archived["uid"])
    done = subprocess.run([logstone.binary, "logs", archived["uid"], "--server", logstone.url], capture_output=True,
                          env=logstone.environment, check=True)
    assert done.stdout == by_socket
    logstone.refused("logs", archived["uid"], "--server", "ftp://nowhere", says="http://")
    logstone.stop()
    assert logstone.ok("logs", archived["uid"]) == by_socket
    assert not (logstone.data / "server.json").exists()


def test_retention_by_hand(logstone, archived):
    name = archived["name"]
    logstone.ok("hold", name, "--reason", "case 1")
    assert logstone.workflow(name)["hold"]["reason"] == "case 1"
    logstone.refused("rm", name, "--reason", "mistake", code=1, says="hold")
    logstone.ok("unhold", name, "--reason", "case closed")
    logstone.ok("retain", name, "--keep", "90d", "--reason", "policy 7")
    assert logstone.workflow(name)["retention"]["keep"] == "90d" and "expires" in logstone.workflow(name)
    logstone.refused("retain", name, "--keep", "soon", "--reason", "x", says="soon")
    logstone.refused("retain", name, "--keep", "1d", says="--reason")
    logstone.ok("rm", name, "--reason", "personal data")
    assert json.loads(logstone.ok("ls", "-o", "json")) == []
    assert name in logstone.ok("ls", "--all").decode()
    logstone.refused("logs", name, code=1)
    assert not [p for p in (logstone.data / "store" / "objects").rglob("*.zst")]
    actions = [entry["event"]["action"] for entry in logstone.get("/api/v1/audit")["items"]]
    for action in ("held", "unheld", "retained", "removed"):
        assert actions.count(action) == 1, actions
    removed = next(e["event"] for e in logstone.get("/api/v1/audit")["items"] if e["event"]["action"] == "removed")
    assert "personal data" in removed["detail"] and removed["actor"].startswith("cli:")


def test_retention_by_policy(logstone):
    policy = logstone.data.parent / "policy.yaml"
    policy.write_text('rules:\n  - labels: "tier=gold"\n    keep: 1s\n')
    path = logstone.data.parent / "steps.yaml"
    path.write_text(STEPS)
    logstone.environment["LOGSTONE_EXPIRY_INTERVAL"] = "100ms"
    logstone.up("--retention-policy", str(policy), str(path))
    wait_until(lambda: [w for w in logstone.get("/api/v1/workflows?expired=true")["items"] if w["state"] == "expired"],
               "the archive to expire")
    wait_until(lambda: not list((logstone.data / "store" / "objects").rglob("*.zst")), "its objects to go")


def test_exit_code_tells_the_result(logstone):
    path = logstone.data.parent / "fails.yaml"
    path.write_text(manifest("import sys\nprint('bad', flush=True)\nsys.exit(3)"))
    done = logstone.call("run", str(path))
    assert done.returncode == 1 and b"bad" in done.stdout and b"Failed" in done.stderr


@pytest.mark.parametrize("text,says", [
    ("a: [1", "workflow.yaml:"),
    ("kind: Pod\napiVersion: v1\nmetadata: {name: x}", "workflow.yaml:1"),
    (STEPS.replace("entrypoint: all", "entrypoint: nothing"), "nothing"),
    (STEPS.replace("name: say\n", "name: say\n      nonsense: 1\n"), "nonsense"),
    (STEPS.replace("template: say, arguments: {parameters: [{name: text, value: two}]}", "template: say"), "text"),
    (STEPS.replace("container: {image", "resource: {action"), "resource"),
])
def test_bad_manifests_are_refused_before_anything_starts(logstone, text, says):
    path = logstone.data.parent / "workflow.yaml"
    path.write_text(text)
    logstone.refused("run", str(path), says=says)
    assert logstone.ok("ls") == b"no workflows\n"


def test_bad_input(logstone):
    logstone.refused("ls", "--data", "/nonexistent", code=1, says="logstone up")
    logstone.refused("ls", "--nonsense", says="--nonsense")
    logstone.refused("nonsense", says="nonsense")
    logstone.refused("up", "--listen", "nowhere", says="HOST:PORT")
    logstone.refused("run", "/nonexistent.yaml", says="/nonexistent.yaml")
    config = logstone.data.parent / "logstone.yaml"
    config.write_text("listen: 127.0.0.1:0\nsegmentbytes: 1\n")
    said = logstone.refused("config", "check", "--config", str(config), says="logstone.yaml:2")
    assert "segment_bytes" in said
    logstone.environment["LOGSTONE_SEGMENT_AGE"] = "5 parsecs"
    logstone.refused("config", "check", says="LOGSTONE_SEGMENT_AGE")


def test_settings_come_from_file_environment_and_flags(logstone):
    config = logstone.data.parent / "logstone.yaml"
    config.write_text("segment_bytes: 1MiB\nsegment_age: 2s\nlisten: 127.0.0.1:9\n")
    logstone.environment["LOGSTONE_SEGMENT_AGE"] = "3s"
    shown = json.loads(logstone.ok("config", "check", "--config", str(config), "-o", "json"))
    assert shown["segment_bytes"] == {"value": "1048576", "source": f"{config}:1"}
    assert shown["segment_age"] == {"value": "3s", "source": "LOGSTONE_SEGMENT_AGE"}
    assert shown["block_bytes"]["source"] == "default"


def test_two_programs_on_one_folder(logstone, archived):
    logstone.refused("up", "--listen", "127.0.0.1:0", code=1, says="another process")
    logstone.refused("catalog", "rebuild", code=1, says="another process")
    logstone.ok("ls")


def test_version_and_completion(logstone):
    assert logstone.ok("version").startswith(b"logstone 0.")
    script = logstone.ok("completion", "bash")
    subprocess.run(["bash", "-n"], input=script, check=True)
    words = subprocess.run(["bash", "-c", 'source /dev/stdin; COMP_WORDS=(logstone ""); COMP_CWORD=1; _logstone; echo "${COMPREPLY[@]}"'],
                           input=script, capture_output=True, check=True).stdout.split()
    assert {b"up", b"run", b"ls", b"get", b"logs", b"export", b"verify", b"hold", b"rm"} <= set(words) and b"pod-shim" not in words
    for command in ("up", "run", "ls", "get", "logs", "export", "verify", "hold", "unhold", "retain", "rm"):
        assert b"Examples:" in logstone.ok(command, "--help", server=False)
