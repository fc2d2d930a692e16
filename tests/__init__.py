"""The tests: `make test`, or `pytest` from the root of a checkout."""
