"""A SeaweedFS of its own on loopback, with credentials; it can be killed and started again on its data."""
import json
import pathlib
import socket
import subprocess
import sys
import time

import boto3
import botocore.config

ACCESS, SECRET, BUCKET = "test-access", "test-secret", "logstone-e2e"


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


class SeaweedFs:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        (self.folder / "data").mkdir(parents=True)
        identity = {"name": "test", "credentials": [{"accessKey": ACCESS, "secretKey": SECRET}],
                    "actions": ["Admin", "Read", "Write", "List", "Tagging"]}
        (self.folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
        self.process = None
        # Somebody else may take a port between the look and the start: then once more.
        for attempt in range(3):
            self.ports = free_ports(8)
            try:
                self.start()
                return
            except RuntimeError:
                self.kill()
                if attempt == 2:
                    raise

    @property
    def url(self):
        return f"http://127.0.0.1:{self.ports[0]}"

    def client(self):
        quick = botocore.config.Config(connect_timeout=2, read_timeout=20, retries={"max_attempts": 0},
                                       s3={"addressing_style": "path"})
        return boto3.client("s3", endpoint_url=self.url, aws_access_key_id=ACCESS, aws_secret_access_key=SECRET,
                            region_name="us-east-1", config=quick)

    def start(self):
        """Returns once an object can be kept."""
        s3, s3_grpc, master, master_grpc, volume, volume_grpc, filer, filer_grpc = self.ports
        log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen(
            [str(pathlib.Path(sys.executable).parent / "weed"), "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
             f"-dir={self.folder / 'data'}", "-s3", f"-s3.config={self.folder / 's3.json'}", f"-s3.port={s3}",
             f"-s3.port.grpc={s3_grpc}", "-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false",
             f"-master.port={master}", f"-master.port.grpc={master_grpc}", "-master.volumeSizeLimitMB=128",
             "-volume.max=50", f"-volume.port={volume}", f"-volume.port.grpc={volume_grpc}", f"-filer.port={filer}",
             f"-filer.port.grpc={filer_grpc}"], stdout=log, stderr=log)
        log.close()
        deadline = time.monotonic() + 120
        while True:
            try:
                client = self.client()
                if BUCKET not in [one["Name"] for one in client.list_buckets()["Buckets"]]:
                    client.create_bucket(Bucket=BUCKET)
                client.put_object(Bucket=BUCKET, Key="ready", Body=b"x")
                return self
            except Exception as error:  # pylint: disable=broad-except
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"SeaweedFS does not come up: {error}") from error
                time.sleep(0.2)

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def keys(self, prefix):
        pages = self.client().get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return [one["Key"] for page in pages for one in page.get("Contents", [])]

    def get(self, key):
        return self.client().get_object(Bucket=BUCKET, Key=key)["Body"].read()

    def put(self, key, content):
        self.client().put_object(Bucket=BUCKET, Key=key, Body=content)
