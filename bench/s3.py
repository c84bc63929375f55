#!/usr/bin/env python3
"""Reads archives over S3 (SeaweedFS on loopback) and compares with `curl` of the same bytes as a plain object there.

Needs build/logstone and the end-to-end tests' Python (scripts/run_tests.sh makes both): see bench/run_s3.sh.
"""
import argparse
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

from logstone import manifest, wait_until  # noqa: E402
from s3_logstone import S3Logstone  # noqa: E402
from seaweed import BUCKET, SeaweedFs  # noqa: E402

MIB = 1 << 20
SOURCE = """
import random, sys
r = random.Random(1)
words = ["epoch", "loss", "step", "lr", "grad_norm", "INFO", "worker", "saved", "checkpoint", "eval"]
ends = ["%%s %%s=%%.5f %%s=%%.5f\\n" %% (r.choice(words), r.choice(words), r.random(), r.choice(words), r.random())
        for _ in range(50000)]
written = i = 0
while written < %d:
    block = "".join(["2026-01-01 12:00:00,%%d INFO %%d " %% (n %% 1000, n) + r.choice(ends) for n in range(i, i + 10000)])
    written += len(block)
    i += 10000
    sys.stdout.write(block)
"""


def curls(urls, headers=()):
    """Seconds until all have been read to /dev/null, at once."""
    begin = time.monotonic()
    running = [subprocess.Popen(["curl", "-sSf", "-o", "/dev/null", *headers, url]) for url in urls]
    codes = [process.wait() for process in running]
    assert not any(codes), codes
    return time.monotonic() - begin


class Counted:
    """Requests to S3 and bytes from it while something is done."""

    def __init__(self, logstone):
        self.logstone = logstone

    def __enter__(self):
        self.before = self.now()
        return self

    def now(self):
        return [self.logstone.metric(f"logstone_s3_{name}") for name in ("requests_total", "received_bytes_total")]

    def __exit__(self, *_):
        self.requests, self.bytes = (after - before for after, before in zip(self.now(), self.before))


def archive(logstone, mebibytes, name):
    """uid, stream key and size of a log of that size; a new server has nothing of it in memory."""
    if logstone.process is not None:
        logstone.stop()
    begin = time.monotonic()
    uid = logstone.submit(manifest(SOURCE % (mebibytes * MIB), ttl=1, name=name), name + ".yaml")
    (stream,) = logstone.wait_for(uid, "deleted")["streams"]
    assert not stream["gaps"], stream
    print(f"{mebibytes} MiB archived in {time.monotonic() - begin:.1f} s", file=sys.stderr)
    logstone.stop()
    logstone.up()
    return uid, stream["key"], stream["bytes"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=1024, help="MiB of the large log")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        server = SeaweedFs(pathlib.Path(folder) / "seaweedfs")
        logstone = S3Logstone(str(ROOT / "build" / "logstone"), pathlib.Path(folder) / "data", server, "bench")
        # The engine's log files are rotated late: this measures reading.
        logstone.environment.update(LOGSTONE_LOG_FILE_BYTES="256MiB", LOGSTONE_LOG_FILES="20")
        try:
            measure(logstone, server, options)
        finally:
            logstone.end()
            server.kill()


def measure(logstone, server, options):
    uid, key, size = archive(logstone, options.size, "large")
    path = f"/api/v1/workflows/{uid}/log/{key}"
    begin = time.monotonic()
    with Counted(logstone) as tail:
        body = logstone.log(uid, key, "?tail=100")
    seconds = time.monotonic() - begin
    assert body.count(b"\n") == 100
    print(f"last 100 lines of {size / MIB:.0f} MiB: {seconds * 1000:.0f} ms, {tail.requests:.0f} requests, "
          f"{tail.bytes / 1024:.0f} KiB from S3 for {len(body) / 1024:.1f} KiB of text")

    client = server.client()
    raw = logstone.data.parent / "raw"
    subprocess.run(["curl", "-sSf", "-o", str(raw), logstone.url + path], check=True)
    assert raw.stat().st_size == size
    client.upload_file(str(raw), BUCKET, "plain")
    raw.unlink()
    plain = client.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "plain"})
    ours, theirs = [], []
    for _ in range(options.runs):
        with Counted(logstone) as whole:
            ours.append(curls([logstone.url + path]))
        theirs.append(curls([plain]))
    mine, other = (size / MIB / statistics.median(times) for times in (ours, theirs))
    print(f"whole log: {mine:.0f} MiB/s, {whole.requests:.0f} requests, {whole.bytes / MIB:.0f} MiB from S3; "
          f"curl of the plain object: {other:.0f} MiB/s; ratio {mine / other:.2f}")

    uid, key, size = archive(logstone, 10, "small")
    path = f"/api/v1/workflows/{uid}/log/{key}"
    subprocess.run(["curl", "-sSf", "-o", str(raw), logstone.url + path], check=True)
    client.upload_file(str(raw), BUCKET, "plain-small")
    plain = client.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": "plain-small"})
    logstone.stop()
    logstone.up()
    with Counted(logstone) as many:
        cold = curls([logstone.url + path] * 50)
    warm = curls([logstone.url + path] * 50)
    other = curls([plain] * 50)
    total = 50 * size / MIB
    print(f"50 readers of {size / MIB:.0f} MiB: {total / cold:.0f} MiB/s cold ({many.requests:.0f} requests, "
          f"{many.bytes / MIB:.1f} MiB from S3), {total / warm:.0f} MiB/s warm; curl of the plain object: "
          f"{total / other:.0f} MiB/s; ratio {other / cold:.2f}")


if __name__ == "__main__":
    main()
