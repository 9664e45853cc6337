"""The criteria: what a step is asked, how its answers are judged, and which known mistake they are those of."""
