"""Models whose pixel scaling is known: given by the user, recorded or measured."""
