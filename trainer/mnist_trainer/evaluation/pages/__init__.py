"""The page of `mnist-evaluate --report`, and what the page of `mnist-export --report` shares with it."""
