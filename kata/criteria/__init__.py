"""The criteria: questions to a step, rules for its answers, and the diagnosis of known mistakes."""
