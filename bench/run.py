#!/usr/bin/env python3
"""Measures the product against named peers in one run and prints ratios; medians of --runs runs.

Everything runs on this machine, over loopback, in a folder that is removed at the end.
"""
import argparse
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "bench"
MIB = 1 << 20


def tool(name, *arguments):
    return json.loads(subprocess.run([BUILD / "bench" / f"bench_{name}", *map(str, arguments)], check=True,
                                     stdout=subprocess.PIPE).stdout)


def cpu_of(command, **options):
    """CPU seconds of a program and its children."""
    before = os.times()
    subprocess.run(command, check=True, **options)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


class Table:
    def __init__(self):
        self.rows = []

    def add(self, work, reached, reach, good, peer="", ratio=""):
        self.rows.append((work, reached, reach, "yes" if good else "NO", peer, ratio))
        print(f"  {work}: {reached} (to reach: {reach}) {peer} {ratio}", file=sys.stderr, flush=True)

    def __str__(self):
        head = ("work", "measured", "to reach", "reached", "peer in this run", "measured / peer")
        lines = [head, tuple("---" for _ in head), *self.rows]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def ingest(table, options, work, corpus):
    """Takes the corpus in, and what zstd alone needs for the same bytes."""
    log, store = work / "ingest-log", work / "ingest-store"
    subprocess.run([BUILD / "bench" / "bench_make_node_log", corpus, log, "1"], check=True)
    size = corpus.stat().st_size
    ours, cpu = [], {"zstd -1": [], "zstd -3": []}
    for _ in range(options.runs):
        shutil.rmtree(store, ignore_errors=True)
        ours.append(tool("ingest", log, store))
        for level in cpu:
            cpu[level].append(cpu_of(["zstd", level.split()[1], "-T1", "-q", "-f", str(corpus), "-o", str(work / "out.zst")]))
    # `zstd -dc` of all objects in their order is the log, byte for byte.
    objects = sorted(path for path in store.rglob("*.log.zst"))
    subprocess.run(f"cat {' '.join(map(str, objects))} | zstd -dc | cmp - {corpus}", shell=True, check=True)
    per_gb = statistics.median(run["cpu"] for run in ours) / size * 1e9
    verify = statistics.median(run["verify_cpu"] for run in ours) / size * 1e9
    for level, seconds in cpu.items():
        peer = statistics.median(seconds) / size * 1e9
        table.add("take in 1 GB, CPU-seconds", f"{per_gb:.2f}", "4", per_gb <= 4, f"{level}: {peer:.2f}", f"{per_gb / peer:.2f}")
    table.add("read it back and compare digests, 1 GB, CPU-seconds", f"{verify:.2f}", "-", True)

    stored = 100 * ours[-1]["stored"] / size
    peers = {f"zstd {level} in {name} blocks": 100 * tool("blocks", corpus, level, block)["stored"] / size
             for level, block, name in ((1, MIB, "1 MiB"), (3, MIB, "1 MiB"))}
    subprocess.run(["zstd", "-9", "-q", "-f", str(corpus), "-o", str(work / "out.zst")], check=True)
    peers["zstd -9, one frame"] = 100 * (work / "out.zst").stat().st_size / size
    for name, peer in peers.items():
        table.add("bytes stored, all included", f"{stored:.2f} %", "10 %", stored <= 10, f"{name}: {peer:.2f} %",
                  f"{stored / peer:.2f}")


def tail(table, options, work, corpus):
    """The last 100 lines of a 1 GiB archived log, against decompressing the whole object."""
    log, store = work / "tail-log", work / "tail-store"
    copies = -(-options.tail_mib * MIB // corpus.stat().st_size)
    subprocess.run([BUILD / "bench" / "bench_make_node_log", corpus, log, str(copies)], check=True)
    tool("ingest", log, store)
    shutil.rmtree(log)
    ours = tool("tail", store, 31)
    whole = work / "whole.log.zst"
    with open(whole, "wb") as out:
        for path in sorted(store.rglob("*.log.zst")):
            out.write(path.read_bytes())
    seconds = []
    for _ in range(min(options.runs, 3)):
        start = time.perf_counter()
        subprocess.run(f"zstd -dc {whole} | tail -n 100 > /dev/null", shell=True, check=True)
        seconds.append(time.perf_counter() - start)
    peer = statistics.median(seconds) * 1000
    name = f"last 100 lines of {ours['log_bytes'] / (1 << 30):.2f} GiB archived, ms"
    table.add(name, f"{ours['median_ms']:.2f}", "5", ours["median_ms"] <= 5, f"zstd -dc of all, tail: {peer:.0f}",
              f"{ours['median_ms'] / peer:.5f}")
    table.add("reads from the store for it", f"{ours['reads']} reads, {ours['bytes_read'] / 1024:.0f} KiB",
              "two blocks", ours["bytes_read"] < 2 * MIB)
    shutil.rmtree(store)


MANIFEST = """apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {{name: {name}}}
spec:
  entrypoint: main
  templates:
    - name: main
      container:
        image: debian:12
        command: [sh, -c]
        args: ["{script}"]
"""


class Server:
    """`logstone up` on a folder of its own."""

    def __init__(self, work, name, *manifests):
        self.folder = work / name
        files = []
        for number, text in enumerate(manifests):
            path = work / f"{name}-{number}.yaml"
            path.write_text(text)
            files.append(str(path))
        self.log = open(work / f"{name}.out", "w+b")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            [BUILD / "logstone", "up", "--data", str(self.folder), "--listen", f"127.0.0.1:{self.port}", *files],
            stdout=self.log, stderr=subprocess.STDOUT)
        self.until(lambda: self.get("/readyz") is not None, "the server")

    def get(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=60) as answer:
                return answer.read()
        except OSError:
            return None

    def workflow(self, name):
        return json.loads(self.get(f"/api/v1/workflows/{name}") or b"{}")

    def stream(self, name):
        """Path of the only main container's log, once there is one."""
        found = []
        self.until(lambda: found.extend(self.workflow(name).get("streams") or []) or found, f"a stream of {name}")
        key = found[0].get("key") or found[0].get("streamKey")
        return f"/api/v1/workflows/{name}/log/{urllib.parse.quote(key)}"

    def until(self, condition, what, seconds=300):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline or self.process.poll() is not None:
                self.log.seek(0)
                sys.exit(f"bench: waited in vain for {what}\n{self.log.read()[-2000:].decode(errors='replace')}")
            time.sleep(0.05)

    def memory(self, field):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{field}:\s+(\d+) kB", status).group(1)) * 1024

    def cpu(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def sealed(server, name):
    return lambda: server.workflow(name).get("state") in ("verified", "released", "deleted")


def download(table, options, work, corpus):
    """A whole 20 MB log by HTTP, against Python's file server."""
    part = work / "twenty.log"
    with open(corpus, "rb") as source:
        part.write_bytes(source.read(20_000_000))

    room = bytearray(MIB)

    def milliseconds(port, path):
        """From the request to the last byte, which must be the last that was written."""
        with socket.create_connection(("127.0.0.1", port)) as connection:
            start = time.perf_counter()
            connection.sendall(f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode())
            digest, last = 0, b""
            while count := connection.recv_into(room):
                digest, last = digest + count, bytes(room[max(0, count - 100):count])
            spent = (time.perf_counter() - start) * 1000
        if digest < part.stat().st_size or not last.endswith(tail):
            sys.exit(f"bench: {digest} bytes came of {part.stat().st_size}")
        return spent

    tail = part.read_bytes()[-50:]
    with Server(work, "download", MANIFEST.format(name="twenty", script=f"cat {part}")) as server:
        path = server.stream("twenty")
        server.until(sealed(server, "twenty"), "the workflow to be verified")
        if server.get(path) != part.read_bytes():
            sys.exit("bench: the downloaded log differs from what was written")
        ours = [milliseconds(server.port, path) for _ in range(options.runs * 3)]
    peer_server = subprocess.Popen([sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "-d", str(work), "0"],
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    try:
        port = int(re.search(rb"port (\d+)", peer_server.stdout.readline()).group(1))
        peer = [milliseconds(port, "/twenty.log") for _ in range(options.runs * 3)]
    finally:
        peer_server.kill()
        peer_server.wait()
    packed = work / "twenty.zst"
    subprocess.run(["zstd", "-1", "-q", "-f", str(part), "-o", str(packed)], check=True)
    alone = []
    for _ in range(options.runs * 3):
        start = time.perf_counter()
        subprocess.run(["zstd", "-dcq", str(packed)], check=True, stdout=subprocess.DEVNULL)
        alone.append((time.perf_counter() - start) * 1000)
    mine = statistics.median(ours)
    for name, other in (("zstd -dc of it alone", statistics.median(alone)),
                        ("python -m http.server, the raw file", statistics.median(peer))):
        table.add("a whole 20 MB log by HTTP, ms", f"{mine:.1f}", "30", mine <= 30, f"{name}: {other:.1f}", f"{mine / other:.2f}")


def latency(table, options, work, _corpus):
    """From written to seen by 1,000 followers of one stream."""
    script = f"exec {sys.executable} -u {ROOT}/bench/clock_lines.py 40 0.25"
    with Server(work, "latency", MANIFEST.format(name="clock", script=script)) as server:
        seen = tool("followers", server.port, server.stream("clock"), options.followers)
    if seen["lines"] < 20 * options.followers or seen["unended"]:
        sys.exit(f"bench: the followers saw too little: {seen}")
    table.add(f"a line from written to seen, {options.followers} followers, ms, 99th percentile", f"{seen['p99_ms']:.1f}",
              "50", seen["p99_ms"] <= 50, f"median {seen['median_ms']:.1f}; the followers share the CPUs")


def memory(table, options, work, corpus):
    """Resident memory while 1 GiB is captured and 50 readers read it."""
    copies = max(1, options.memory_mib * MIB // corpus.stat().st_size)
    script = f"for i in $(seq {copies}); do cat {corpus}; done"
    with Server(work, "memory", MANIFEST.format(name="big", script=script)) as server:
        url = f"http://127.0.0.1:{server.port}{server.stream('big')}?follow=true"
        readers = [subprocess.Popen(["curl", "-s", "-o", "/dev/null", url]) for _ in range(50)]
        try:
            peaks = []

            def over():
                peaks.append(server.memory("VmRSS"))
                return all(reader.poll() is not None for reader in readers)

            server.until(over, "the readers", 900)
            peak = server.memory("VmHWM") / MIB
            server.until(sealed(server, "big"), "the workflow to be verified")
            captured = sum(stream["bytes"] for stream in server.workflow("big")["streams"])
        finally:
            for reader in readers:
                reader.kill()
                reader.wait()
    if captured != copies * corpus.stat().st_size:
        sys.exit(f"bench: {captured} bytes were captured, not {copies} times the corpus")
    table.add(f"resident memory, {copies * corpus.stat().st_size / MIB:.0f} MiB captured, 50 readers, MiB", f"{peak:.0f} peak, "
              f"{statistics.median(peaks) / MIB:.0f} median", "100", peak <= 100)


def idle(table, options, work, _corpus):
    """CPU of `logstone up` with nothing to do, over 10 s."""
    with Server(work, "idle", MANIFEST.format(name="short", script="echo done")) as server:
        server.until(sealed(server, "short"), "the workflow to be verified")
        time.sleep(2)
        before = server.cpu()
        time.sleep(10)
        used = server.cpu() - before
    table.add("idle, CPU-seconds in 10 s", f"{used:.2f}", "not measurable", used < 0.02)


def main():
    works = {f.__name__: f for f in (ingest, tail, download, latency, memory, idle)}
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--size", type=int, default=256, help="the corpus, MB")
    arguments.add_argument("--runs", type=int, default=5)
    arguments.add_argument("--tail-mib", type=int, default=1024)
    arguments.add_argument("--memory-mib", type=int, default=1024)
    arguments.add_argument("--followers", type=int, default=1000)
    arguments.add_argument("--only", default=",".join(works), help=f"of {','.join(works)}")
    arguments.add_argument("--corpus", type=pathlib.Path, help="a file made by corpus.py before")
    options = arguments.parse_args()
    chosen = options.only.split(",")
    if unknown := set(chosen) - set(works):
        arguments.error(f"no such work: {', '.join(sorted(unknown))}")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 1 << 14), hard))
    table, failed = Table(), []
    # Not below /tmp: a pod of the embedded engine has one of its own, and could not read the corpus there.
    with tempfile.TemporaryDirectory(prefix="measured-", dir=os.environ.get("BENCH_DIR", BUILD)) as folder:
        work = pathlib.Path(folder)
        corpus = options.corpus
        if not corpus:
            corpus = work / "corpus.log"
            subprocess.run([sys.executable, ROOT / "bench" / "corpus.py", "--size", str(options.size), corpus], check=True)
        for name in chosen:
            try:
                works[name](table, options, work, corpus.resolve())
            except (SystemExit, subprocess.CalledProcessError, OSError) as problem:
                failed.append(f"{name}: {problem}")
                print(f"  {failed[-1]}", file=sys.stderr, flush=True)
    print(f"\nload {os.getloadavg()[0]:.1f}, {os.cpu_count()} CPUs, corpus {options.size} MB, medians of {options.runs} runs\n\n{table}")
    if failed:
        sys.exit("bench: could not be measured: " + "; ".join(failed))


if __name__ == "__main__":
    main()
