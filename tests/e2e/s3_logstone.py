"""Logstone with its archive in S3, for tests that do not care where it is."""
import pathlib

from logstone import Logstone
from seaweed import ACCESS, BUCKET, SECRET


class S3Logstone(Logstone):
    def __init__(self, binary, data, server, prefix, endpoint=None, parameters=""):
        super().__init__(binary, data)
        self.server = server
        self.prefix = prefix
        self.environment = {k: v for k, v in self.environment.items() if not k.startswith("AWS_")}
        self.environment.update(AWS_ACCESS_KEY_ID=ACCESS, AWS_SECRET_ACCESS_KEY=SECRET,
                                LOGSTONE_STORE=f"s3://{BUCKET}/{prefix}?endpoint={endpoint or server.url}{parameters}")

    def objects(self):
        return [key[len(self.prefix) + 1:] for key in self.server.keys(self.prefix + "/")]

    def segments(self, stream_key):
        """Copies of the stream's objects, in the order of their bytes."""
        found = []
        for key in self.objects():
            if not key.endswith(".zst") or pathlib.PurePath(key).parent.name != stream_key:
                continue
            copy = self.data.parent / "copies" / key
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(self.server.get(f"{self.prefix}/{key}"))
            found.append(copy)
        return sorted(found, key=lambda path: path.name)

    def replace_object(self, path, content):
        key = path.relative_to(self.data.parent / "copies")
        self.server.put(f"{self.prefix}/{key}", content)

    def metric(self, name):
        for line in self.http("/metrics")[1].decode().splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
        raise AssertionError(f"no metric {name}")
