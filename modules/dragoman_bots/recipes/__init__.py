"""Recipes: a web meeting's way in, as data; ``model`` reads them."""
