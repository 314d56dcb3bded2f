"""The camera's record, from the first draft to withdrawal: enrolment, checks, review."""
