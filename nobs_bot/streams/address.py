"""The address of a stream, read as people type it, and never shown with its secrets."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from dataclasses import dataclass, field, replace
from enum import StrEnum
from urllib.parse import quote, unquote

DEFAULT_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}
MAX_LENGTH = 2048

_NUMBER = re.compile(r"0x[0-9a-f]{0,8}|[0-9]{1,11}")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
# What only a person leaves as it is inside user:password; an encoder never does.
_TYPED_RAW = re.compile(r'[@/?#\[\]\\"<>\s]|[^\x00-\x7f]|%(?![0-9A-Fa-f]{2})')
# Every printable ASCII character but the space and "#": cameras never mean a fragment.
_PATH_SAFE = "/?&=%:;,@!$'()*+~-._[]{}|^`\\<>\""
_SECRET = re.compile(
    r"((?:^|[/?&;_])(?:user(?:name)?|usr|login(?:use|pas)?|account|pass\w*?|pwd|psw|secret"
    r"|\w*token|\w*key|auth|sig(?:nature)?)=)(.*?)(?=[&;]|_(?:channel|stream)=|$)",
    re.IGNORECASE,
)


class AddressProblem(StrEnum):
    """What is wrong with a text that should be an address."""

    not_a_url = "not_a_url"
    unsupported_scheme = "unsupported_scheme"
    no_host = "no_host"
    bad_host = "bad_host"
    bad_port = "bad_port"
    too_long = "too_long"
    control_characters = "control_characters"


class AddressFault(ValueError):  # noqa: N818 - the domain's word
    """A text that is no address. Its message names the kind and never the text."""

    def __init__(self, kind: AddressProblem) -> None:
        super().__init__(kind.value)
        self.kind = kind


@dataclass(frozen=True, repr=False)
class StreamAddress:
    """
    Where a stream is and what opens it; prints without its secrets.

    Attributes:
        host: A name in lower case (IDNA) or an IP address, without brackets.
        path: With its query, as it is sent to the camera; "" or starting with "/".
    """

    scheme: str
    host: str
    port: int
    path: str = ""
    username: str = field(default="")
    password: str = field(default="")

    @property
    def has_credentials(self) -> bool:
        return bool(self.username or self.password)

    @property
    def public(self) -> str:
        """The address without credentials, and with secrets in its query masked."""
        return f"{self.scheme}://{self._authority}{_masked(self.path)}"

    @property
    def url(self) -> str:
        """The whole address, credentials percent-encoded; `parse_address` reads it back."""
        credentials = ""
        if self.has_credentials:
            credentials = f"{quote(self.username, safe='')}:{quote(self.password, safe='')}@"
        return f"{self.scheme}://{credentials}{self._authority}{self.path}"

    @property
    def request_url(self) -> str:
        """What an RTSP request names: no user info, the port always there."""
        return f"{self.scheme}://{_bracketed(self.host)}:{self.port}{self.path}"

    @property
    def is_encrypted(self) -> bool:
        return self.scheme in {"rtsps", "https"}

    @property
    def is_rtsp(self) -> bool:
        return self.scheme in {"rtsp", "rtsps"}

    def with_credentials(self, username: str, password: str) -> StreamAddress:
        """The same stream, opened with another user name and password."""
        _refuse_controls(username + password)
        return _short_enough(replace(self, username=username, password=password))

    @property
    def _authority(self) -> str:
        host = _bracketed(self.host)
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return self.public

    def __repr__(self) -> str:
        return f"StreamAddress({self.public!r})"


def parse_address(text: str) -> StreamAddress:
    """
    Read an address as a person typed or pasted it.

    User name and password may be percent-encoded or raw, whatever they contain: where
    the strict reading gives no host that could be one, the last "@" before something
    that looks like a host ends the password.

    Raises:
        AddressFault: *text* is no address of a stream.
    """
    text = text.strip()
    if len(text) > MAX_LENGTH:
        raise AddressFault(AddressProblem.too_long)
    _refuse_controls(text)
    found = _SCHEME.match(text)
    if found is None:
        raise AddressFault(AddressProblem.not_a_url)
    scheme = found[1].lower()
    if scheme not in DEFAULT_PORTS:
        raise AddressFault(AddressProblem.unsupported_scheme)
    userinfo, authority, path = _parts(text[found.end() :])
    username, password = _credentials(userinfo)
    host, port = _host_and_port(authority)
    return assemble(scheme, host, port, path, username=username, password=password)


def assemble(
    scheme: str,
    host: str,
    port: int | None,
    path: str,
    *,
    username: str = "",
    password: str = "",
) -> StreamAddress:
    """
    Put an address together from parts that were read or chosen one by one.

    Raises:
        AddressFault: The host or the port cannot be one, or control characters.
    """
    _refuse_controls(path + username + password)
    if scheme not in DEFAULT_PORTS:
        raise AddressFault(AddressProblem.unsupported_scheme)
    if port is None:
        port = DEFAULT_PORTS[scheme]
    if not 1 <= port <= 65535:
        raise AddressFault(AddressProblem.bad_port)
    host = _clean_host(host)
    address = StreamAddress(scheme, host, port, _clean_path(path, host), username, password)
    return _short_enough(address)


def _short_enough(address: StreamAddress) -> StreamAddress:
    """What is encoded is longer than what was typed, and has to be read back from the database."""
    if len(address.url) > MAX_LENGTH:
        raise AddressFault(AddressProblem.too_long)
    return address


def _parts(rest: str) -> tuple[str, str, str]:
    """Split what follows "://" into user info, authority and path."""
    strict = _strict_parts(rest)
    if _looks_like_host(strict[1]):
        return strict
    typed = _typed_parts(rest)
    if typed is not None:
        return typed
    return strict


def _strict_parts(rest: str) -> tuple[str, str, str]:
    end = min((at for at in map(rest.find, "/?#") if at >= 0), default=len(rest))
    userinfo, _, authority = rest[:end].rpartition("@")
    return userinfo, authority, rest[end:]


def _typed_parts(rest: str) -> tuple[str, str, str] | None:
    """Read a password with "/", "?" or "#" in it: its end is the last "@" before a host."""
    if ":" not in re.split(r"[/?#]", rest, maxsplit=1)[0]:
        return None
    at = rest.rfind("@")
    while at > 0:
        _, authority, path = _strict_parts(rest[at + 1 :])
        if _looks_like_host(authority):
            return rest[:at], authority, path
        at = rest.rfind("@", 0, at)
    return None


def _looks_like_host(authority: str) -> bool:
    """An IP address, a name with a dot, or localhost, with a port that can be one."""
    try:
        host, _port = _host_and_port(authority)
        host = _clean_host(host)
    except AddressFault:
        return False
    return _is_plain_host(host)


def _is_plain_host(host: str) -> bool:
    return host == "localhost" or "." in host or ":" in host


def _host_and_port(authority: str) -> tuple[str, int | None]:
    if authority.startswith("["):
        host, closed, port = authority[1:].partition("]")
        if not closed or (port and not port.startswith(":")):
            raise AddressFault(AddressProblem.bad_host)
        port = port[1:]
    else:
        host, _, port = authority.partition(":")
    if not host:
        raise AddressFault(AddressProblem.no_host)
    if not port:
        return host, None
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 1 <= int(port) <= 65535:
        raise AddressFault(AddressProblem.bad_port)
    return host, int(port)


def _clean_host(host: str) -> str:
    host = host.rstrip(".").lower()
    if not host:
        raise AddressFault(AddressProblem.no_host)
    if ":" in host:
        return _clean_ipv6(host)
    try:
        host = host.encode("idna").decode("ascii")
    except UnicodeError:
        raise AddressFault(AddressProblem.bad_host) from None
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise AddressFault(AddressProblem.bad_host)
    if len(labels) > 1 and labels[-1].isdigit() and not _is_dotted_number(host):
        raise AddressFault(AddressProblem.bad_host)
    return host


def _clean_ipv6(host: str) -> str:
    try:
        address = ipaddress.IPv6Address(host)
    except ValueError:
        raise AddressFault(AddressProblem.bad_host) from None
    if address.scope_id:
        raise AddressFault(AddressProblem.bad_host)
    return address.compressed


def _is_dotted_number(host: str) -> bool:
    # Numbers with dots that Python refuses but resolvers take (0177.0.0.1, 127.1) pass:
    # what they resolve to is vetted. Only what no resolver would take is refused here.
    return all(_NUMBER.fullmatch(part) for part in host.split("."))


def _clean_path(path: str, host: str) -> str:
    if path and not path.startswith("/"):
        path = f"/{path}"
    # After a bare name such as "nvr", an "@" in the path could be read as the password's end.
    safe = _PATH_SAFE if _is_plain_host(host) else _PATH_SAFE.replace("@", "")
    return quote(path, safe=safe)


def _credentials(userinfo: str) -> tuple[str, str]:
    username, _, password = userinfo.partition(":")
    if _TYPED_RAW.search(userinfo):
        return username, password
    try:
        decoded = unquote(username, errors="strict"), unquote(password, errors="strict")
    except UnicodeDecodeError:
        return username, password
    _refuse_controls("".join(decoded))
    return decoded


def _refuse_controls(text: str) -> None:
    if any(unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for character in text):
        raise AddressFault(AddressProblem.control_characters)


def _masked(path: str) -> str:
    return _SECRET.sub(r"\1***", path)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
