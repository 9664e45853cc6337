"""What properties are tried on."""

from hypothesis import strategies as st

SEEDS = st.integers(0, 2**31 - 1)
"""Seeds, of which a test makes generators of its own: a registered global one would repeat its draws."""
