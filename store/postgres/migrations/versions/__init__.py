"""The schema's history; a revision that was released is never edited."""
