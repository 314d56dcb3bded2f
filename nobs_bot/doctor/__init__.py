"""`python bot.py doctor`: what is wrong with an installation, and what to do about it."""

from nobs_bot.doctor.examine import examine
from nobs_bot.doctor.finding import Finding

__all__ = ["Finding", "examine"]
