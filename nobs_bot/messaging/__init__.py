"""What comes in and goes out: inbox, conversation state, outbox; `sender` alone knows PTB."""
