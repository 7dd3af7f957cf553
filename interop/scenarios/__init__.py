"""All scenarios, by what they are about. Importing this registers them."""

from . import curl, deadlines, cancels, chains, disconnects, load, long, malformed, streams  # noqa: F401
