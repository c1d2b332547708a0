"""The key that signs sessions, where no setting gives one."""

import os
import secrets

from pydantic import SecretStr

from fenghuo.settings import Settings, SettingsError, variable


def session_secret(settings: Settings) -> SecretStr:
    """The key that signs sessions: the one set, else the one kept in the data directory, made if missing.

    Raises:
        SettingsError: the data directory can't keep it.
    """
    if settings.session_secret is not None:
        return settings.session_secret
    path = settings.data_dir / "session_secret"
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            fresh = path.with_name(f"{path.name}.{os.getpid()}")
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(32))
            try:
                path.hardlink_to(fresh)  # fails when another process was first: then its key counts
            except FileExistsError:
                pass
            finally:
                fresh.unlink()
        return SecretStr(path.read_text(encoding="ascii"))
    except OSError as error:
        raise SettingsError(
            f"`{path}`: can't keep the session key: {error.strerror}; set `{variable('session_secret')}`"
        ) from error
