"""What stands behind the learner's commands."""
