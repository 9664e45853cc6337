"""The pages: what a run, a gallery and a grader show in a browser."""
