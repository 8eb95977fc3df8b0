"""Compare recipes and networks of the models."""
