"""What the figures were measured on: versions, processor, load. Written beside them."""

import os
import platform
import shutil
import sqlite3
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import peers_environment
from tests.servers.postgres import binary

PACKAGES = ("celery", "kombu", "django", "psycopg")
RABBITMQ = "rabbitmq/lib/rabbitmq_server-*"


def describe() -> dict[str, Any]:
    """JSON; ``load`` is the load average of the minute before."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "load": round(os.getloadavg()[0], 2),
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in PACKAGES},
            "RabbitMQ": rabbitmq_version(),
            "PostgreSQL": postgresql_version(),
            "Redis": redis_version(),
            "sqlite": sqlite3.sqlite_version,
        },
        "peers": peers_environment.versions(),
    }


def processor() -> str:
    """The model's name (Linux), or what Python knows of it."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or sys.platform


def rabbitmq_version() -> str:
    found = sorted(Path("/usr/lib").glob(RABBITMQ))
    return found[-1].name.partition("-")[2] if found else "none"


def postgresql_version() -> str:
    command = [str(binary("postgres")), "--version"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return said.partition(") ")[2].split()[0]


def redis_version() -> str:
    """From "Redis server v=7.0.15 sha=…"; none if it is not there."""
    server = shutil.which("redis-server")
    if server is None:
        return "none"
    said = subprocess.run([server, "--version"], capture_output=True, text=True, check=True).stdout
    return said.partition("v=")[2].split()[0]
