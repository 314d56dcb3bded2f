"""HTTP authentication, basic and digest, as RTSP uses it too (RFC 7616, RFC 7617)."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field

_SCHEME = re.compile(r"(?:^|,)\s*(Basic|Digest)\s+", re.IGNORECASE)
# a name is tried once, from its beginning and whole: else 60 KB of one letter take minutes
_PARAMETER = re.compile(
    r'(?<![a-zA-Z0-9_*-])([a-zA-Z0-9_*-]++)\s*+=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))'
)
_HASHES = {"MD5": "md5", "SHA-256": "sha256"}
_PREFERENCE = ("SHA-256", "SHA-256-SESS", "MD5", "MD5-SESS")


@dataclass
class Challenge:
    """
    What a server wants to see before it answers; counts how often it was answered.

    Attributes:
        scheme: "basic" or "digest".
        algorithm: In upper case, "" for basic.
        qop: Whether the server wants quality of protection "auth".
    """

    scheme: str
    realm: str
    nonce: str = ""
    algorithm: str = ""
    opaque: str | None = None
    qop: bool = False
    stale: bool = False
    _count: int = field(default=0, repr=False)

    def answer(self, method: str, uri: str, username: str, password: str) -> str:
        """The value of the Authorization header for one request."""
        if self.scheme == "basic":
            pair = f"{username}:{password}".encode()
            return f"Basic {base64.b64encode(pair).decode()}"
        self._count += 1
        count, cnonce = f"{self._count:08x}", secrets.token_hex(8)
        response = self._response(f"{method}:{uri}", username, password, (count, cnonce))
        fields = [
            f'username="{_quoted(username)}"',
            f'realm="{_quoted(self.realm)}"',
            f'nonce="{_quoted(self.nonce)}"',
            f'uri="{uri}"',
            f'response="{response}"',
            f"algorithm={_spelled(self.algorithm)}",
        ]
        if self.opaque is not None:
            fields.append(f'opaque="{_quoted(self.opaque)}"')
        if self.qop:
            fields += ["qop=auth", f"nc={count}", f'cnonce="{cnonce}"']
        elif self.algorithm.endswith("-SESS"):
            fields.append(f'cnonce="{cnonce}"')
        return "Digest " + ", ".join(fields)

    def _response(
        self, request_line: str, username: str, password: str, counted: tuple[str, str]
    ) -> str:
        count, cnonce = counted
        secret = self._hash(f"{username}:{self.realm}:{password}")
        if self.algorithm.endswith("-SESS"):
            secret = self._hash(f"{secret}:{self.nonce}:{cnonce}")
        request = self._hash(request_line)
        if self.qop:
            return self._hash(f"{secret}:{self.nonce}:{count}:{cnonce}:auth:{request}")
        return self._hash(f"{secret}:{self.nonce}:{request}")

    def _hash(self, text: str) -> str:
        return hashlib.new(_HASHES[self.algorithm.removesuffix("-SESS")], text.encode()).hexdigest()


def strongest_challenge(headers: Iterable[str]) -> Challenge | None:
    """The best of the WWW-Authenticate headers' challenges; None where none can be met."""
    challenges = [challenge for header in headers for challenge in _challenges(header)]
    return min(challenges, key=_rank, default=None)


def answer_matches(authorization: str, method: str, username: str, password: str) -> bool:
    """
    Whether an Authorization header proves the password: the server's side.

    The caller has to check that the nonce, where there is one, is its own.
    """
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() == "basic":
        expected = base64.b64encode(f"{username}:{password}".encode()).decode()
        return secrets.compare_digest(rest.strip().encode(), expected.encode())
    values = parameters(rest)
    algorithm = values.get("algorithm", "MD5").upper()
    if algorithm not in _PREFERENCE or values.get("username") != username:
        return False
    challenge = Challenge(
        "digest", values.get("realm", ""), values.get("nonce", ""), algorithm, qop="qop" in values
    )
    request_line = f"{method}:{values.get('uri', '')}"
    counted = values.get("nc", ""), values.get("cnonce", "")
    expected = challenge._response(request_line, username, password, counted)
    return secrets.compare_digest(values.get("response", "").encode(), expected.encode())


def parameters(text: str) -> dict[str, str]:
    """The `name=value` pairs of an authentication header, names in lower case."""
    return {
        name.lower(): re.sub(r"\\(.)", r"\1", quoted) if quoted else bare
        for name, quoted, bare in _PARAMETER.findall(text)
    }


def _challenges(header: str) -> list[Challenge]:
    starts = list(_SCHEME.finditer(header))
    ends = [*(start.start() for start in starts[1:]), len(header)][: len(starts)]
    found = []
    for start, end in zip(starts, ends, strict=True):
        challenge = _challenge(start[1].lower(), parameters(header[start.end() : end]))
        if challenge is not None:
            found.append(challenge)
    return found


def _challenge(scheme: str, values: dict[str, str]) -> Challenge | None:
    realm = values.get("realm", "")
    if scheme == "basic":
        return Challenge("basic", realm)
    algorithm = values.get("algorithm", "MD5").upper()
    qops = [word.strip().lower() for word in values.get("qop", "").split(",") if word.strip()]
    if algorithm not in _PREFERENCE or "nonce" not in values or (qops and "auth" not in qops):
        return None
    return Challenge(
        "digest",
        realm,
        values["nonce"],
        algorithm,
        values.get("opaque"),
        qop=bool(qops),
        stale=values.get("stale", "").lower() == "true",
    )


def _rank(challenge: Challenge) -> int:
    return (
        len(_PREFERENCE) if challenge.scheme == "basic" else _PREFERENCE.index(challenge.algorithm)
    )


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _spelled(algorithm: str) -> str:
    return algorithm.replace("-SESS", "-sess")
