"""Bytes in are bytes out: while it runs, after sealing, after deletion, by HTTP, by command and by zstd alone."""
import random
import subprocess

from logstone import manifest, wait_until

NASTY = b"".join([
    b"plain line\n", b"\n", b"\n\n", b"with\rcarriage\rreturns\r\n", b"\x1b[31mred\x1b[0m \x1b[1mbold\x1b[0m\n",
    b"invalid \xff\xfe\x80 utf-8 \xc3\n", b"NUL \x00 inside \x00\x00\n", "unicode äöü 漢字 🙂\n".encode(),
    b"\r  0%|          | 0/100\r 50%|#####     | 50/100\r100%|##########| 100/100\n",
    b"\t tabs and trailing blanks   \n", b"[logstone: not a gap]\n", b"2026-01-01T00:00:00Z stdout F looks like CRI\n",
    b"x" * 16383 + b"\n", b"y" * 16384 + b"\n", b"z" * 16385 + b"\n", b"w" * 100_000 + b"\n", b"no newline at the end"])

LONG_LINE = 64 << 20
SHORT_LINES = 1_000_000


def every_way(logstone, uid, expected):
    """Reads the only stream in every way there is and compares."""
    workflow = logstone.workflow(uid)
    (stream,) = workflow["streams"]
    key = stream["key"]
    assert stream["complete"] and stream["bytes"] == len(expected) and not stream["gaps"]
    assert logstone.log(uid, key) == expected
    assert logstone.ok("logs", uid) == expected
    status, body, _ = logstone.http(f"/k8s/pod/logs?podname={stream['podName']}&runid={uid}")
    assert status == 200 and body == expected
    raw = b"".join(subprocess.run(["zstd", "-dc", path], capture_output=True, check=True).stdout
                   for path in logstone.segments(key))
    assert raw == expected
    folder = logstone.data.parent / f"export-{random.randrange(1 << 30)}"
    logstone.ok("export", uid, str(folder))
    assert (folder / f"{key}.log").read_bytes() == expected
    return workflow


def whole_life(logstone, source, expected):
    """Follows it live, then reads it after sealing, after deletion, after a restart and without any server."""
    uid = logstone.submit(manifest(source, ttl=3))
    stream = wait_until(lambda: logstone.workflow(uid)["streams"], "the stream")[0]
    assert logstone.log(uid, stream["key"], "?follow=true") == expected
    workflow = logstone.wait_for(uid, "deleted")
    assert workflow["phase"] == "Succeeded"
    every_way(logstone, uid, expected)
    logstone.ok("verify", uid)
    assert logstone.stop() == 0
    assert logstone.ok("logs", uid) == expected
    logstone.up()
    every_way(logstone, uid, expected)


def test_nasty_bytes(logstone):
    source = f"import sys\nsys.stdout.buffer.write({NASTY!r})"
    whole_life(logstone, source, NASTY)


def test_both_outputs_in_order(logstone):
    source = """
import sys, time
for i in range(300):
    out = sys.stdout if i % 3 else sys.stderr
    out.write(f"line {i}\\n")
    out.flush()
    time.sleep(0.002)
"""
    # The two pipes are two: only the order within each is the container's own.
    uid = logstone.submit(manifest(source))
    workflow = logstone.wait_for(uid, "verified", "released", "deleted")
    lines = logstone.log(uid, workflow["streams"][0]["key"]).decode().splitlines()
    assert sorted(lines) == sorted(f"line {i}" for i in range(300))
    for remainder in ([0], [1, 2]):
        mine = [int(line.split()[1]) for line in lines if int(line.split()[1]) % 3 in remainder]
        assert mine == sorted(mine)


def test_one_long_line(logstone):
    source = f"import sys\nfor i in range({LONG_LINE} // 1024): sys.stdout.write(f'{{i:07d}}' * 146 + 'ab')"
    expected = b"".join(b"%07d" % i * 146 + b"ab" for i in range(LONG_LINE // 1024))
    whole_life(logstone, source, expected)


def test_many_short_lines(logstone, request):
    lines = SHORT_LINES
    gigabytes = request.config.getoption("--gigabytes")
    if gigabytes:
        lines = int(gigabytes * 10_000_000)
    source = f"""
import sys
write = sys.stdout.write
for i in range(0, {lines}, 1000):
    write("".join(f"{{j}} " + "abcdefghij"[j % 10] * (j * 7919 % 191) + "\\n" for j in range(i, i + 1000)))
"""
    expected = "".join(f"{j} " + "abcdefghij"[j % 10] * (j * 7919 % 191) + "\n" for j in range(lines)).encode()
    whole_life(logstone, source, expected)
    workflow = logstone.workflow()
    uid, key = workflow["uid"], workflow["streams"][0]["key"]
    assert workflow["streams"][0]["lines"] == lines
    by_line = expected.splitlines(keepends=True)
    assert logstone.log(uid, key, "?tail=100") == b"".join(by_line[-100:])
    assert logstone.log(uid, key, f"?from={lines // 2}&to={lines // 2 + 10}") == b"".join(by_line[lines // 2:lines // 2 + 10])
    assert logstone.ok("logs", uid, "--tail", "7") == b"".join(by_line[-7:])
    status, body, headers = logstone.http(f"/api/v1/workflows/{uid}/log/{key}", headers={"Range": "bytes=1000-1999"})
    assert status == 206 and body == expected[1000:2000] and headers["Content-Range"] == f"bytes 1000-1999/{len(expected)}"
