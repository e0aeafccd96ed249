"""The fenced `console` blocks of the documents, run as they stand.

A line that begins with `$ ` is a command, what follows is its answer; a backslash carries a command on. `...` in an
answer stands for anything in its line, and alone in a line for any lines. In JSON and in what curl answers white space
does not count, so that it may be set out for reading, and `...` stands for anything.
Programs that are not finegrid's own (ogrinfo, ogr2ogr, python) are run as they are, against a real server; what they
are told and what they answer has its address in place of the one that the documents name.
A comment before a block says how it is run:
`<!-- run: empty -->` on a database without a city, `<!-- run: FINEGRID_BATCH_LIMIT=2 -->` with this setting.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch
from urllib.parse import quote, urlencode

import uvicorn
from click.testing import CliRunner
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from api.app import CONNECTIONS, create_app
from gis.cli import frame
from gis.cli.root import main
from gis.settings import settings
from gis.store.database import create_database_engine

SERVER = "http://127.0.0.1:8000"
PROGRAMS = {"ogrinfo": "ogrinfo", "ogr2ogr": "ogr2ogr", "python": sys.executable}
FLAGS = {
    "-s": 0,
    "-X": 1,
    "-H": 1,
    "-d": 1,
    "--data-binary": 1,
    "-F": 1,
    "-o": 1,
    "-w": 1,
    "-G": 0,
    "--data-urlencode": 1,
    "--etag-save": 1,
    "--etag-compare": 1,
}


@dataclass
class Step:
    """A command and the answer that the document shows."""

    line: int
    command: str
    expected: list[str] = field(default_factory=list)

    @property
    def is_curl(self) -> bool:
        return self.command.startswith("curl ")

    def agrees(self, answer: str) -> bool:
        """Whether the answer is the one shown."""
        if self.is_curl or answer.startswith("{"):
            shown, answer = ("".join(text.split()) for text in ("\n".join(self.expected), answer))
            return re.fullmatch(re.escape(shown).replace(r"\.\.\.", ".*"), answer, re.DOTALL) is not None
        lines = [line.rstrip() for line in self.expected]
        pattern = "".join(
            r"(?:.*\n)*" if line == "..." else re.escape(line).replace(r"\.\.\.", ".*") + r"\n" for line in lines
        )
        answer = "".join(f"{line.rstrip()}\n" for line in answer.splitlines())
        return re.fullmatch(pattern, answer) is not None


@dataclass
class Block:
    """A fenced block and how it is to be run."""

    steps: list[Step]
    empty: bool = False
    environment: dict[str, str] = field(default_factory=dict)


def blocks_of(path: Path) -> list[Block]:
    """The console blocks of a document, in order."""
    found: list[Block] = []
    lines = path.read_text(encoding="utf-8").splitlines()
    inside = False
    for at, line in enumerate(lines):
        if line == "```console":
            inside = True
            said = re.fullmatch(r"<!-- run: (.*) -->", lines[at - 1])
            words = said[1].split() if said else []
            pairs = dict(word.split("=", 1) for word in words if "=" in word)
            found.append(Block([], "empty" in words, pairs))
        elif line == "```":
            inside = False
        elif inside:
            steps = found[-1].steps
            if line.startswith("$ "):
                steps.append(Step(at + 1, line[2:]))
            elif steps and steps[-1].command.endswith("\\") and not steps[-1].expected:
                steps[-1].command = steps[-1].command[:-1] + line.strip()
            else:
                steps[-1].expected.append(line)
    return found


class Shell:
    """A terminal in a folder, with a database behind it: knows finegrid, curl, cat, `echo $?` and a few programs."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url, self.code = folder, url, 0
        self._engines: list[Engine] = []
        self._client: TestClient | None = None
        self._server: tuple[uvicorn.Server, threading.Thread] | None = None

    def run(self, step: Step, environment: dict[str, str]) -> str:
        """What a command prints, both streams together."""
        words = shlex.split(step.command)
        pairs = {"FINEGRID_DATABASE_URL": self.url, **environment}
        while re.match(r"FINEGRID_\w+=", words[0]):
            name, _, value = words.pop(0).partition("=")
            pairs[name] = value
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FINEGRID_")}
        here = Path.cwd()
        with patch.dict(os.environ, {**kept, **pairs}, clear=True):
            settings.cache_clear()
            os.chdir(self.folder)
            try:
                if words[0] in PROGRAMS:
                    return self._program(words)
                own = {"finegrid": self._finegrid, "curl": self._curl, "cat": self._cat, "echo": self._echo}
                return own[words[0]](words[1:])
            finally:
                os.chdir(here)
                settings.cache_clear()

    def close(self) -> None:
        """Let go of the database."""
        if self._client is not None:
            self._client.__exit__(None, None, None)
        if self._server is not None:
            server, thread = self._server
            server.should_exit = True
            thread.join(timeout=30)
        while self._engines:
            self._engines.pop().dispose()

    def _engine(self, url: str, **options: int) -> Engine:
        self._engines.append(create_database_engine(url, **options))
        return self._engines[-1]

    def _finegrid(self, words: list[str]) -> str:
        if any(word.startswith(SERVER) for word in words):
            # Asked as a client asks another city's server, so it needs a real one.
            address = self._address()
            return self._finegrid([word.replace(SERVER, address) for word in words]).replace(address, SERVER)
        with (
            patch.object(sys, "argv", ["finegrid", *words]),
            patch.object(frame, "create_database_engine", self._engine),
        ):
            frame.open_engine.cache_clear()
            result = CliRunner().invoke(main, words, prog_name="finegrid", catch_exceptions=False)
            frame.open_engine.cache_clear()
        self.code = result.exit_code
        return result.output

    def _program(self, words: list[str]) -> str:
        address = self._address()
        told = [word.replace(SERVER, address) for word in (PROGRAMS[words[0]], *words[1:])]
        done = subprocess.run(
            told, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=120
        )
        self.code = done.returncode
        return done.stdout.replace(address, SERVER)

    def _address(self) -> str:
        """Where the real server is; started when it is needed first."""
        if self._server is None:
            app = create_app(self._engine(self.url, pool_size=CONNECTIONS))
            server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
            thread = threading.Thread(target=server.run, daemon=True)
            thread.start()
            self._server = server, thread
            limit = time.monotonic() + 60
            while not server.started:
                assert thread.is_alive()
                assert time.monotonic() < limit
                time.sleep(0.05)
        return f"http://127.0.0.1:{self._server[0].servers[0].sockets[0].getsockname()[1]}"

    def _cat(self, words: list[str]) -> str:
        return Path(words[0]).read_text(encoding="utf-8")

    def _echo(self, words: list[str]) -> str:
        assert words == ["$?"]
        return f"{self.code}\n"

    def _curl(self, words: list[str]) -> str:
        options: dict[str, list[str]] = {flag: [] for flag in FLAGS}
        urls = []
        while words:
            word = words.pop(0)
            if word in FLAGS:
                options[word] += [words.pop(0)] if FLAGS[word] else [""]
            else:
                urls.append(word)
        (url,) = urls
        assert url.startswith(f"{SERVER}/"), url
        if self._client is None:
            self._client = TestClient(
                create_app(self._engine(self.url, pool_size=CONNECTIONS)), SERVER, raise_server_exceptions=False
            )
            self._client.__enter__()
        headers = dict(line.split(": ", 1) for line in options["-H"])
        for name in options["--etag-compare"]:
            headers["If-None-Match"] = Path(name).read_text(encoding="utf-8").strip()
        asked = urlencode([tuple(pair.split("=", 1)) for pair in options["--data-urlencode"]], quote_via=quote)
        url += f"{'&' if '?' in url else '?'}{asked}" if asked else ""
        content: dict = {}
        texts = [*options["-d"], *options["--data-binary"]]
        parts = [Path(text[1:]).read_bytes() if text.startswith("@") else text.encode() for text in texts]
        if parts:
            content["content"] = b"&".join(parts)
            headers = {"Content-Type": "application/x-www-form-urlencoded"} | headers
        for name, _, value in (pair.partition("=") for pair in options["-F"]):
            if value.startswith("@"):
                content.setdefault("files", {})[name] = (value[1:], Path(value[1:]).read_bytes())
            else:
                content.setdefault("data", {}).setdefault(name, []).append(value)
        method = (options["-X"] or ["POST" if content else "GET"])[0]
        answer = self._client.request(method, url, headers=headers, follow_redirects=False, **content)
        written = {"http_code": str(answer.status_code), "content_type": answer.headers.get("content-type", "")}
        tail = "".join(re.sub(r"%\{(\w+)\}", lambda name: written[name[1]], text) for text in options["-w"])
        tail = tail.replace("\\n", "\n")
        for name in options["--etag-save"]:
            Path(name).write_text(answer.headers["etag"] + "\n", encoding="utf-8")
        if options["-o"]:
            Path(options["-o"][0]).write_bytes(answer.content)
            return tail
        return answer.text + tail


def differences(path: Path, shell: Shell, empty: Shell | None = None) -> list[str]:
    """Run a document's blocks and say which answers are others than it shows."""
    found = []
    for block in blocks_of(path):
        chosen = empty if block.empty and empty is not None else shell
        for step in block.steps:
            answer = chosen.run(step, block.environment)
            if not step.agrees(answer):
                shown = "\n".join(step.expected)
                found.append(f"{path.name}:{step.line}: {step.command}\n--- shown\n{shown}\n--- answered\n{answer}")
    return found
