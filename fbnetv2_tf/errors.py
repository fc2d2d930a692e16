"""What a person can have given wrongly: every such mistake is an `InputError` with one sentence."""

from __future__ import annotations


class InputError(ValueError):
    """Bad input: the message says what is wrong, where, what was expected and what was received.

    The drivers print the message as one line and exit with code 2; a traceback is never shown.
    """


class ArchitectureError(InputError):
    """The text of an architecture is not one, or describes a network that cannot be built."""


class SpaceError(InputError):
    """The text of a search space is not one, or an architecture is not in the space."""


class BudgetError(InputError):
    """A budget that no architecture of the space can keep, or that is not a budget."""


class DataError(InputError):
    """A data set that is missing, unreadable, or not of the form that was asked for."""


class RunError(InputError):
    """A run folder that is missing something, belongs to another run, or is in use."""


class ExportError(InputError):
    """A model that cannot be exported, or whose exported form did not agree with it."""


class CheckpointError(InputError):
    """PyTorch weights that are not those of the network, or cannot be read or written."""
