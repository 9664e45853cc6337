"""What stands behind the commands of `kata`."""
