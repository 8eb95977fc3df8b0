"""Find out which pixel scaling a model expects, by trying every usual one on real images."""
