"""An HTTP proxy before an S3 server that does to a share of the requests what networks and servers do at their worst."""
import asyncio
import random
import threading

FAULTS = ("reset_before", "reset_after", "slow_down", "internal_error", "truncated", "short_length", "long_length", "slow",
          "wrong_etag", "flipped_answer", "flipped_request", "stale_list")
SLOW_DOWN = (b"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s")
XML = b"<Error><Code>%s</Code><Message>%s</Message></Error>"


def flipped(content, at):
    """The same with one bit changed."""
    return content[:at] + bytes([content[at] ^ 0x10]) + content[at + 1:] if content else content


def header(head, name):
    """A header's value; b"" where there is none."""
    for line in head.split(b"\r\n")[1:]:
        if line.lower().startswith(name.lower() + b":"):
            return line.split(b":", 1)[1].strip()
    return b""


def with_header(head, name, value):
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(name.lower() + b":")]
    return b"\r\n".join(lines[:1] + [name + b": " + value] + lines[1:])


class FaultProxy:
    """`faults` and `share` may be changed at any time; `done` counts what was done."""

    def __init__(self, port, seed):
        self.upstream = port
        self.random = random.Random(seed)
        self.faults = []
        self.share = 0.0
        self.done = dict.fromkeys(FAULTS, 0)
        self.lists = {}
        self.loop = asyncio.new_event_loop()
        started = threading.Event()

        def serve():
            asyncio.set_event_loop(self.loop)
            self.server = self.loop.run_until_complete(asyncio.start_server(self.connection, "127.0.0.1", 0))
            self.port = self.server.sockets[0].getsockname()[1]
            started.set()
            self.loop.run_forever()
        self.thread = threading.Thread(target=serve, daemon=True)
        self.thread.start()
        started.wait()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()

    async def connection(self, reader, writer):
        try:
            while await self.one_request(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    async def one_request(self, reader, writer):
        """True when another one may follow on this connection."""
        head = (await reader.readuntil(b"\r\n\r\n"))[:-4]
        body = await reader.readexactly(int(header(head, b"Content-Length") or 0))
        method, target = head.split(b" ")[:2]
        fault = self.random.choice(self.faults) if self.faults and self.random.random() < self.share else None
        if fault in ("slow_down", "internal_error"):
            self.done[fault] += 1
            code = b"SlowDown" if fault == "slow_down" else b"InternalError"
            text = XML % (code, b"Please reduce your request rate.")
            writer.write(SLOW_DOWN % (len(text), text))
            await writer.drain()
            return False
        if fault == "reset_before":
            self.done[fault] += 1
            writer.transport.abort()
            return False
        if fault == "flipped_request" and body:
            self.done[fault] += 1
            body = flipped(body, self.random.randrange(len(body)))
        answer_head, answer_body = await self.ask(head, body)
        if fault == "reset_after":
            self.done[fault] += 1
            writer.transport.abort()
            return False
        return await self.answer(writer, fault, method, target, answer_head, answer_body)

    async def ask(self, head, body):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.upstream)
        try:
            writer.write(with_header(head, b"Connection", b"close") + b"\r\n\r\n" + body)
            await writer.drain()
            raw = await reader.read(-1)
        finally:
            writer.close()
        answer_head, _, answer_body = raw.partition(b"\r\n\r\n")
        if header(answer_head, b"Transfer-Encoding").lower() == b"chunked":
            whole, rest = b"", answer_body
            while rest:
                size, _, rest = rest.partition(b"\r\n")
                whole, rest = whole + rest[:int(size, 16)], rest[int(size, 16) + 2:]
                if size == b"0":
                    break
            answer_body = whole
            lines = [line for line in answer_head.split(b"\r\n") if not line.lower().startswith(b"transfer-encoding")]
            answer_head = with_header(b"\r\n".join(lines), b"Content-Length", str(len(whole)).encode())
        return with_header(answer_head, b"Connection", b"close"), answer_body

    async def answer(self, writer, fault, method, target, head, body):
        is_list = method == b"GET" and b"list-type=2" in target
        if is_list:
            before = self.lists.get(target)
            self.lists[target] = (head, body)
            if fault == "stale_list" and before is not None:
                self.done[fault] += 1
                head, body = before
        if fault == "wrong_etag" and header(head, b"ETag"):
            self.done[fault] += 1
            head = with_header(head, b"ETag", b'"%032x"' % self.random.getrandbits(128))
        if method == b"GET" and len(body) > 1:
            if fault == "truncated":
                self.done[fault] += 1
                body = body[:self.random.randrange(len(body))]
            elif fault == "short_length":
                self.done[fault] += 1
                head = with_header(head, b"Content-Length", str(self.random.randrange(1, len(body))).encode())
            elif fault == "long_length":
                self.done[fault] += 1
                head = with_header(head, b"Content-Length", str(len(body) + self.random.randrange(1, 99)).encode())
            elif fault == "flipped_answer" and not is_list:
                self.done[fault] += 1
                body = flipped(body, self.random.randrange(len(body)))
        raw = head + b"\r\n\r\n" + body
        if fault == "slow":
            self.done[fault] += 1
            for at in range(0, min(len(raw), 60)):
                writer.write(raw[at:at + 1])
                await writer.drain()
                await asyncio.sleep(0.1)
            raw = raw[60:]
        writer.write(raw)
        await writer.drain()
        return False
