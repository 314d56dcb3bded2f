"""A Bot API of our own with a chat page: the demo, and the tests' Telegram."""

from nobs_bot.sandbox.cast import CastMember, the_cast
from nobs_bot.sandbox.server import SandboxServer

__all__ = ["CastMember", "SandboxServer", "the_cast"]
