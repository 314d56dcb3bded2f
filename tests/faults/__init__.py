"""What breaks from outside: kills, Telegram's refusals, updates that come twice."""
