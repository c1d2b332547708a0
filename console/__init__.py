"""Console: web pages and API for people and machines; gets stores through ports."""
