"""Running the tests: the pytest plugin, the warm runner, and what a run came to."""
