"""The peer without any queue: five pages, one after the other."""

from pathlib import Path

import requests

from benchmarks.peers.hot_repos import PAGES, fetch_page, write_report


def make_report(path: Path) -> int:
    with requests.Session() as session:
        return write_report([fetch_page(page, session) for page in PAGES], path)
