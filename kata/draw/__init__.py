"""Pictures of what was learned: the figures of the lesson, and the page that shows them."""
