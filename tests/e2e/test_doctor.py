"""`logstone doctor` as a script sees it: exit codes, JSON, a pipe, a folder."""
import json

CONTROLLER = """apiVersion: v1
kind: ConfigMap
metadata: {name: workflow-controller-configmap}
data:
  artifactRepository: |
    archiveLogs: %s
    s3: {bucket: b, endpoint: s3.amazonaws.com, useSDKCreds: true, keyFormat: "{{workflow.uid}}/{{pod.name}}"}
"""


def test_exit_codes_and_forms(logstone, tmp_path):
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(CONTROLLER % "true")
    bad.write_text(CONTROLLER % "false")
    result = logstone.call("doctor", str(good), server=False)
    assert result.returncode == 0, result.stderr
    assert b"0 errors" in result.stdout
    result = logstone.call("doctor", str(bad), server=False)
    assert result.returncode == 1
    assert f"archive-logs-off  {bad}:6".encode() in result.stdout
    assert b"\x1b" not in result.stdout, "no colours in a pipe"
    answer = json.loads(logstone.call("doctor", "-", "-o", "json", stdin=bad.read_bytes(), server=False).stdout)
    assert answer["errors"] == 1 and answer["findings"][0]["line"] == 6, answer
    assert answer["findings"][0]["file"] == "(standard input)"


def test_bad_input(logstone, tmp_path):
    words = tmp_path / "words.txt"
    words.write_text("these are only words\n")
    for arguments in ([str(words)], [str(tmp_path / "none.yaml")], [], [str(words), "-o", "yaml"],
                      [str(words), "--keep", "soon"], [str(words), "--keep", "1d", "--retention-policy", "x"]):
        result = logstone.call("doctor", *arguments, server=False)
        assert result.returncode == 2, (arguments, result)
        assert result.stderr


def test_a_kustomization_and_a_lifecycle(logstone, tmp_path):
    (tmp_path / "base").mkdir()
    (tmp_path / "prod").mkdir()
    (tmp_path / "base" / "all.yaml").write_text(CONTROLLER % "true")
    (tmp_path / "base" / "kustomization.yaml").write_text("resources: [all.yaml]\n")
    (tmp_path / "prod" / "kustomization.yaml").write_text("resources: [../base]\n")
    rules = tmp_path / "rules.json"
    rules.write_text(json.dumps({"Rules": [{"Status": "Enabled", "Prefix": "", "Expiration": {"Days": 30}}]}))
    command = ["doctor", str(tmp_path / "prod"), str(rules), "-o", "json"]
    for keep, code, ids in ([], 0, ["lifecycle-expires"]), (["--keep", "90d"], 1, ["lifecycle-short"]), (["--keep", "7d"], 0, []):
        result = logstone.call(*command, *keep, server=False)
        assert result.returncode == code, result
        assert [one["id"] for one in json.loads(result.stdout)["findings"]] == ids
