#!/usr/bin/env python3
"""Makes the benchmark's corpus: one log of real programs' output on this machine.

Each program runs for real; its output is then repeated with other times, ids and durations, as reruns have them, until
the corpus has its size. The same seed and the same programs give the same corpus.
"""
import argparse
import http.server
import json
import math
import os
import pathlib
import random
import re
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent


def output_of(*command, cwd=None, seconds=120):
    """What a program prints, both outputs; empty where it does not exist or takes too long."""
    try:
        done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, timeout=seconds, env={**os.environ, "LC_ALL": "C.UTF-8"})
        return done.stdout
    except (OSError, subprocess.TimeoutExpired):
        return b""


def build():
    """A verbose compilation and link, includes and phases shown."""
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "main.cpp")
        source.write_text("#include <algorithm>\n#include <iostream>\n#include <map>\n#include <regex>\n#include <thread>\n"
                          "int main() { std::map<std::string, int> m; int unused; auto x = std::regex(\"a+\");\n"
                          "  std::sort((int*)nullptr, (int*)nullptr); std::cout << m.size(); return -1u > 2; }\n")
        text = output_of("g++", "-v", "-H", "-Wall", "-Wextra", "-ftime-report", "-std=c++20", "main.cpp", "-o", "main",
                         cwd=folder)
        names = sorted((ROOT / "src").rglob("*.cpp"))
        commands = "".join(f"[{i}/{len(names)}] g++ -I{ROOT}/src -O2 -DNDEBUG -Wall -std=c++20 -MD -MT {n}.o -o build/{n.name}.o "
                           f"-c {n}\n" for i, n in enumerate(names, 1))
        return text + commands.encode()


def install():
    """What package managers say when they install and list."""
    return b"".join(output_of(*command) for command in (
        ("apt-get", "-s", "install", "build-essential", "postgresql", "texlive-base"), ("dpkg", "-l"),
        ("apt-cache", "policy", "g++", "libc6", "zlib1g"), (sys.executable, "-m", "pip", "list", "-v"),
        (sys.executable, "-m", "pip", "debug", "--verbose")))


def tests():
    """Test runs: Python's own tests, and this project's where they are built."""
    out = output_of(sys.executable, "-m", "unittest", "-v", "test.test_bisect", "test.test_textwrap", "test.test_heapq")
    for program in sorted((ROOT / "build").glob("*/tests/*_test")):
        if program.name in ("base_test", "model_test"):
            out += output_of(str(program))
    return out or output_of(sys.executable, "-m", "unittest", "-v", "json")


def training():
    """Logistic regression by gradient descent, a progress bar redrawn with carriage returns."""
    draw = random.Random(1)
    points = [([draw.gauss(0, 1) for _ in range(8)], draw.random() < 0.5) for _ in range(200)]
    weights, lines, steps = [0.0] * 8, [], 60
    for epoch in range(1, 13):
        loss, start = 0.0, time.perf_counter()
        for step in range(1, steps + 1):
            x, label = points[(epoch * steps + step) % len(points)]
            p = 1 / (1 + math.exp(-sum(w * v for w, v in zip(weights, x))))
            loss += -math.log(p if label else 1 - p)
            weights = [w + 0.1 * (label - p) * v for w, v in zip(weights, x)]
            done, spent = step * 40 // steps, time.perf_counter() - start
            lines.append(f"\rEpoch {epoch:3}/12: {100 * step // steps:3}%|{'█' * done}{' ' * (40 - done)}| {step}/{steps} "
                         f"[00:{spent * 1000:05.2f}<00:00, {step / spent:8.2f}it/s, loss={loss / step:.4f}]")
        lines.append(f"\n{time.strftime('%Y-%m-%d %H:%M:%S')} INFO trainer: epoch={epoch} loss={loss / steps:.6f} "
                     f"lr=0.1 grad_norm={math.sqrt(sum(w * w for w in weights)):.5f}\n")
    return "".join(lines).encode()


def database():
    """SQLite under load, every statement traced, plans and timings."""
    lines = []
    connection = sqlite3.connect(":memory:")
    connection.set_trace_callback(lambda sql: lines.append(
        f"{time.strftime('%Y-%m-%d %H:%M:%S')}.{time.time_ns() // 1000 % 1000000:06} UTC [{os.getpid()}] LOG:  statement: {sql}"))
    draw = random.Random(2)
    connection.execute("CREATE TABLE orders(id INTEGER PRIMARY KEY, customer TEXT, total REAL, placed TEXT)")
    connection.execute("CREATE INDEX by_customer ON orders(customer)")
    for i in range(500):
        start = time.perf_counter()
        connection.execute("INSERT INTO orders(customer, total, placed) VALUES(?, ?, datetime('now'))",
                           (f"customer-{draw.randrange(50)}", round(draw.random() * 1000, 2)))
        if i % 5 == 0:
            rows = connection.execute("SELECT customer, sum(total) FROM orders WHERE customer = ? GROUP BY customer",
                                      (f"customer-{draw.randrange(50)}",)).fetchall()
            lines.append(f"{time.strftime('%Y-%m-%d %H:%M:%S')}.000000 UTC [{os.getpid()}] LOG:  duration: "
                         f"{(time.perf_counter() - start) * 1000:.3f} ms  rows: {len(rows)}")
        if i % 50 == 0:
            plan = connection.execute("EXPLAIN QUERY PLAN SELECT * FROM orders ORDER BY total DESC").fetchall()
            lines += [f"        {row}" for row in plan]
            connection.commit()
    return ("\n".join(lines) + "\n").encode()


def service():
    """A JSON service under requests; one JSON line a request."""
    lines, draw = [], random.Random(3)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            start = time.perf_counter()
            body = json.dumps({"path": self.path, "items": list(range(draw.randrange(9)))}).encode()
            status = 200 if draw.random() < 0.95 else 404
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            lines.append(json.dumps({
                "ts": time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time.time_ns() // 1000000 % 1000:03}Z",
                "level": "info" if status == 200 else "warn", "logger": "http.access", "msg": "request",
                "method": "GET", "path": self.path, "status": status, "bytes": len(body),
                "duration_ms": round((time.perf_counter() - start) * 1000, 4), "trace_id": f"{draw.getrandbits(128):032x}",
                "span_id": f"{draw.getrandbits(64):016x}", "user": f"user-{draw.randrange(1000)}"}))

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for _ in range(600):
        path = draw.choice(["/api/v1/orders", "/api/v1/users", "/api/v1/items/search", "/healthz"])
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}{path}?page={draw.randrange(20)}").read()
        except urllib.error.HTTPError:
            pass
    server.shutdown()
    return ("\n".join(lines) + "\n").encode()


# What differs between two runs of a program: times of day, fractions, long ids. Text, paths and sizes stay.
VARIABLE = re.compile(rb"\d\d:\d\d:\d\d(?:[.,]\d+)?|\b[0-9a-f]{16,32}\b|\d+\.\d{2,}|\[\d{2,7}\]|user-\d+|customer-\d+|page=\d+")


def vary(text, draw):
    digits = lambda count: str(draw.randrange(10 ** count)).zfill(count).encode()

    def other(match):
        old = match.group()
        if old[2:3] == b":" and old[5:6] == b":":
            return b"%02d:%02d:%02d" % (draw.randrange(24), draw.randrange(60), draw.randrange(60)) + (
                old[8:9] + digits(len(old) - 9) if len(old) > 9 else b"")
        if len(old) >= 16 and b"." not in old:
            return b"%0*x" % (len(old), draw.getrandbits(4 * len(old)))
        at = max(i for i, c in enumerate(old) if not 48 <= c <= 57 or i == 0)
        head, tail = re.match(rb"(.*?)(\d+)(\]?)$", old).group(1, 2) if old[-1:] != b"]" else (b"[", old[1:-1])
        return head + digits(len(tail)) + (b"]" if old[-1:] == b"]" else b"")

    return VARIABLE.sub(other, text)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--size", type=int, default=256, help="MB (millions of bytes)")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("out", type=pathlib.Path)
    options = arguments.parse_args()
    sources = {f.__name__: f() for f in (build, install, tests, training, database, service)}
    for name, text in sources.items():
        print(f"{name:10} {len(text):9} bytes, {text.count(10):6} lines", file=sys.stderr)
        if not text:
            sys.exit(f"corpus: {name} printed nothing; its program is missing")
    draw, written, wanted = random.Random(options.seed), 0, options.size * 1_000_000
    weight = {name: 0 for name in sources}
    with open(options.out, "wb") as out:
        while written < wanted:
            # The kind that has the fewest bytes so far: equal shares of all, whatever one run prints.
            name = min(weight, key=weight.get)
            text = vary(sources[name], draw)[:wanted - written]
            weight[name] += len(text)
            written += out.write(text)


if __name__ == "__main__":
    main()
