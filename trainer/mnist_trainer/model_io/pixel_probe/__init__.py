"""Find out how a model wants its pixels, by trying every usual convention."""
