"""The instructor's bench: intake, sandbox, judge and reports."""
