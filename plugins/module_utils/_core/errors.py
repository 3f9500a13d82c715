# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The errors of modules and host programs, as one tree. Raised low, with a message for users; caught in main()."""

from __future__ import annotations


class MediaserverError(Exception):
    """The root. The text is the whole message: what was found, what was expected, what to do."""


class InvalidValue(MediaserverError):
    """An option has a value that cannot be used."""


class Unreachable(MediaserverError):
    """No answer. `refused`: no process listens there; else the answer is late."""

    def __init__(self, message: str, *, refused: bool = False) -> None:
        super().__init__(message)
        self.refused = refused


class AccessDenied(MediaserverError):
    """The service answered, and denies access. `reason`: why, as a constant of its client."""

    def __init__(self, message: str, *, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class ProtocolError(MediaserverError):
    """The service gave an unexpected answer."""


class TooLong(ProtocolError):
    """The answer is longer than the caller accepts."""


class FileProblem(MediaserverError):
    """A file or folder is missing, unreadable or of the wrong kind."""


class KeyFileError(FileProblem):
    """A key file needs a decision or a repair by a person. The text never holds a key."""


class ServiceProblem(MediaserverError):
    """A container or unit did not start, stop or report its state."""


class NotTaken(MediaserverError):
    """The service accepted a change and does not have it."""


class RpcRefused(MediaserverError):
    """Transmission answered in its protocol, and did not do what it was asked."""


class DockerError(MediaserverError):
    """Docker does not answer, or refuses a request."""


class DockerNotRunning(DockerError):
    """Docker is not installed, or does not run."""


class DockerNotFound(DockerError):
    """Docker knows no such object."""


class ComposeError(MediaserverError):
    """Compose cannot read the project's own file."""


class GatewayError(MediaserverError):
    """The VPN gateway of this host cannot be brought to its configuration."""


class NatPmpError(MediaserverError):
    """The provider grants no port."""


class CheckFailed(MediaserverError):
    """A check of verify did not hold."""


def reason(error: BaseException) -> str:
    """Return an error's text without the number that Python puts before it ("[Errno 19] No such device")."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return str(error)
