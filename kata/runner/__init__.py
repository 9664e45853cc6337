"""Running the tests: the pytest plugin, the warm server and its client, and what a run came to."""
