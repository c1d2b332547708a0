"""Rules: the condition language, the packs written in it, and the decision that follows from them."""
