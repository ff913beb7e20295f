"""Small breaks of the code, one per promise, that the tests must notice."""
