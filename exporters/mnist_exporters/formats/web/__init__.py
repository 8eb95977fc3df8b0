"""The format ``web``: one HTML page that contains the model as WebAssembly, for browsers and Node."""
