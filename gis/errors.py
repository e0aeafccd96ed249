"""The errors finegrid raises on purpose, drawn as one tree.

    FinegridError
    ├── InputError            what somebody gave us is wrong; nothing was changed
    │   ├── ParameterError    one parameter or option
    │   ├── FileError         a file as a whole (missing, unreadable, no such column)
    │   ├── RowsRefused       named rows of a file
    │   ├── CrsError          unknown, missing or refused coordinate reference system or datum
    │   ├── TooCostly         a question that would keep the database busy for too long
    │   ├── CodeOverflow      a parent has more cells than its code has digits for
    │   └── CityError         no city yet, or another one than the command means
    ├── NotFound              a thing that was asked for by name does not exist
    ├── Conflict              the request is fine but the state of the city forbids it
    ├── NotAllowed            writing without a valid key
    ├── TooLarge              more bytes, rows or points than one request may carry
    ├── RemoteError           another city's server does not answer, or not as it should
    ├── NotInstalled          this machine lacks a library or font that the answer needs
    └── ClusterError          the database cannot be created, started or reached

Every message says what is wrong, where, and what would be right.
"""

from __future__ import annotations

from dataclasses import dataclass


class FinegridError(Exception):
    """Root of the tree; its text is fit to show to the person who caused it."""


class InputError(FinegridError):
    """What somebody gave us is wrong; nothing was changed."""


class ParameterError(InputError):
    """One parameter or option is wrong; `parameter` names it."""

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(f"{parameter}: {message}")
        self.parameter = parameter


class FileError(InputError):
    """A file as a whole cannot be used."""


@dataclass(frozen=True)
class RowProblem:
    """Why one row was refused or repaired; `row` counts features or records from 1, without the header."""

    row: int
    reason: str
    code: str | None = None

    def __str__(self) -> str:
        """Read as one line of a list."""
        return f"row {self.row}{f' ({self.code})' if self.code else ''}: {self.reason}"


class RowsRefused(InputError):
    """A file is refused whole because of the rows in `problems`."""

    SHOWN = 20

    def __init__(self, what: str, problems: list[RowProblem]) -> None:
        lines = [str(problem) for problem in problems[: self.SHOWN]]
        if len(problems) > self.SHOWN:
            lines.append(f"and {len(problems) - self.SHOWN} more")
        super().__init__(f"{what}: refused whole, nothing was changed\n  " + "\n  ".join(lines))
        self.problems = problems


class CrsError(InputError):
    """Unknown, missing or refused coordinate reference system or datum."""


class TooCostly(InputError):
    """A question that would keep the database busy for too long."""


class CodeOverflow(InputError):
    """A parent has more cells than its code has digits for."""


class CityError(InputError):
    """No city yet, or another one than the command means."""


class NotFound(FinegridError):
    """A thing that was asked for by name does not exist."""


class Conflict(FinegridError):
    """The request is fine but the state of the city forbids it."""


class NotAllowed(FinegridError):
    """Writing without a valid key."""


class TooLarge(FinegridError):
    """More bytes, rows or points than one request may carry."""


class RemoteError(FinegridError):
    """Another city's server does not answer, or not as it should."""


class NotInstalled(FinegridError):
    """A library or font that the answer needs is not on this machine; says what to install."""


class ClusterError(FinegridError):
    """The database cannot be created, started or reached."""
