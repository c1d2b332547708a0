"""The model registry that the settings name."""

from fenghuo.settings import Settings
from store.artefacts import Artefacts


def artefacts_of(settings: Settings) -> Artefacts:
    """The model registry that the settings name.

    Raises:
        ModelError: the setting can't be understood.
    """
    place = settings.registry or str(settings.data_dir / "models")
    return Artefacts(place, settings.data_dir / "model-cache")
