"""Drives the logstone program as a person or a script would."""
import json
import os
import pathlib
import re
import signal
import subprocess
import time
import urllib.error
import urllib.request

PATIENCE = 120.0  # seconds that a condition may take on a busy machine before the test gives up


def wait_until(condition, what, patience=PATIENCE):
    """Returns the first true value of condition()."""
    deadline = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"waited {patience} s in vain for {what}"
        time.sleep(0.05)


class Logstone:
    def __init__(self, binary, data):
        self.binary = binary
        self.data = pathlib.Path(data)
        self.process = None
        self.url = None
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("LOGSTONE_")}

    # The long-running program.
    def up(self, *arguments):
        """Starts `logstone up` on a free port and returns once it serves."""
        self.output = open(self.data.parent / "up.log", "ab")
        begin = self.output.tell()
        self.process = subprocess.Popen(
            [self.binary, "up", "--data", str(self.data), "--listen", "127.0.0.1:0", *arguments],
            stdout=self.output, stderr=subprocess.STDOUT, env=self.environment)

        def address():
            text = (self.data.parent / "up.log").read_bytes()[begin:].decode(errors="replace")
            assert self.process.poll() is None, f"`logstone up` ended:\n{text}"
            return re.search(r"on (http://127\.0\.0\.1:\d+)", text)
        self.url = wait_until(address, "the server's address").group(1)
        return self

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process = None
        self.output.close()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=PATIENCE)
        self.process = None
        self.output.close()
        return code

    def end(self):
        if self.process is not None:
            self.kill()
        # Pods outlive the program on purpose: end those that a failed test left.
        for process in pathlib.Path("/proc").iterdir():
            if not process.name.isdigit():
                continue
            try:
                command = (process / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"pod-shim" in command and any(str(self.data).encode() in part for part in command):
                os.kill(int(process.name), signal.SIGTERM)

    # Commands.
    def call(self, *arguments, stdin=None, server=True):
        command = [self.binary, arguments[0]]
        if server and "--data" not in arguments and "--server" not in arguments and arguments[0] not in (
                "version", "completion", "config"):
            at = 2 if arguments[0] == "catalog" else 1
            command = [self.binary, *arguments[:at], "--data", str(self.data), *arguments[at:]]
        else:
            command += arguments[1:]
        return subprocess.run(command, input=stdin, capture_output=True, env=self.environment, timeout=600)

    def ok(self, *arguments, **options):
        done = self.call(*arguments, **options)
        assert done.returncode == 0, f"{arguments}: exit {done.returncode}\n{done.stdout.decode(errors='replace')}\n{done.stderr.decode(errors='replace')}"
        return done.stdout

    def refused(self, *arguments, code=2, says=""):
        done = self.call(*arguments)
        said = done.stderr.decode(errors="replace") + done.stdout.decode(errors="replace")
        assert done.returncode == code, f"{arguments}: exit {done.returncode}, wanted {code}\n{said}"
        assert says in said, said
        return said

    # The API.
    def http(self, path, method="GET", body=None, headers=None):
        request = urllib.request.Request(self.url + path, method=method, headers=headers or {},
                                         data=None if body is None else json.dumps(body).encode())
        if body is not None:
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=600) as answer:
                return answer.status, answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            return error.code, error.read(), error.headers

    def get(self, path):
        status, body, _ = self.http(path)
        assert status == 200, f"{path}: {status} {body[:500]!r}"
        return json.loads(body)

    def workflow(self, reference="@latest"):
        return self.get(f"/api/v1/workflows/{reference}?manifest=true")

    def submit(self, manifest, name="workflow.yaml"):
        """Starts `up` with one manifest; returns the workflow's uid."""
        path = self.data.parent / name
        path.write_text(manifest)
        before = set()
        if self.data.exists():
            before = {item["uid"] for item in json.loads(self.ok("ls", "-o", "json"))}
        self.up(str(path))
        new = wait_until(lambda: [item["uid"] for item in self.get("/api/v1/workflows")["items"] if item["uid"] not in before],
                         "the submitted workflow")
        return new[0]

    def wait_for(self, uid, *states):
        def there():
            workflow = self.workflow(uid)
            assert not workflow.get("problem") or "problem" in states, workflow["problem"]
            return workflow if workflow["state"] in states else None
        return wait_until(there, f"{uid} to be {' or '.join(states)}")

    def log(self, uid, key, query=""):
        status, body, _ = self.http(f"/api/v1/workflows/{uid}/log/{key}{query}")
        assert status == 200, body[:500]
        return body

    def segments(self, stream_key):
        """The stream's objects in the store, in the order of their bytes."""
        found = [path for path in (self.data / "store" / "objects").rglob("*.zst") if path.parent.name == stream_key]
        return sorted(found, key=lambda path: path.name)

    def objects(self):
        """The keys of all objects in the store."""
        root = self.data / "store" / "objects"
        return [str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()]

    def replace_object(self, path, content):
        """Changes an object behind the product's back; `path` is one that segments() gave."""
        path.write_bytes(content)


def manifest(source, name="test", ttl=None, interpreter="python3"):
    """A workflow with one script step, `main`."""
    body = "\n".join("          " + line for line in source.splitlines())
    ending = f"\n  ttlStrategy: {{secondsAfterCompletion: {ttl}}}" if ttl is not None else ""
    return f"""apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata:
  generateName: {name}-
spec:
  entrypoint: main{ending}
  templates:
    - name: main
      script:
        image: python:3.11
        command: [{interpreter}]
        source: |
{body}
"""
