"""The reference: pages of the docs that are written from the code, so that they can't drift from it."""
