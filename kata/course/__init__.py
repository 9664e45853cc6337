"""The course itself: which steps there are, where they lie, how they are loaded, what a stub and a mistake are."""
