"""What `kata bench` measures: times side by side, and counts of samples evaluated."""
