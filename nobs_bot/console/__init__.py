"""What is served over HTTP: the webhook and the health of the process."""
