"""A long-lived process of the project that a test calls functions in, without start-up each time."""

import json
import select
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from tests.servers.processes import Process


class RemoteError(Exception):
    """The function raised; ``kind`` is the class name, ``traceback`` the text."""

    def __init__(self, kind: str, message: str, traceback: str) -> None:
        super().__init__(f"{kind}: {message}\n{traceback}")
        self.kind = kind
        self.message = message
        self.traceback = traceback


class Client(Process):
    def __init__(self, name: str, *, env: Mapping[str, str], log: Path) -> None:
        super().__init__(
            name,
            [sys.executable, "-m", "tests.support.child", "calls"],
            env=env,
            log=log,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def call(
        self, function: Callable[..., Any] | str, /, *args: Any, timeout: float = 60, **kwargs: Any
    ) -> Any:
        """What ``function`` (importable, or ``"module:name"``) returns there, as JSON makes it."""
        request = {"function": name_of(function), "args": args, "kwargs": kwargs}
        pipe = self.pipe(self.popen.stdin)
        pipe.write(json.dumps(request).encode() + b"\n")
        pipe.flush()
        answer = json.loads(self.read_line(timeout))
        if "error" in answer:
            raise RemoteError(answer["error"], answer["message"], answer["traceback"])
        return answer["value"]

    def read_line(self, timeout: float) -> bytes:
        pipe, line = self.pipe(self.popen.stdout), b""
        deadline = time.monotonic() + timeout
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([pipe], [], [], max(0, deadline - time.monotonic()))
            part = pipe.readline() if ready else b""
            assert part, f"{self.name} gave no answer within {timeout:g} s.\n{self.tail()}"
            line += part
        return line

    def pipe(self, pipe: IO[bytes] | None) -> IO[bytes]:
        assert pipe
        return pipe


def name_of(function: Callable[..., Any] | str) -> str:
    if isinstance(function, str):
        return function
    return f"{function.__module__}:{function.__qualname__}"
