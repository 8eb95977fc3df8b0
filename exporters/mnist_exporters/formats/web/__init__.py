"""A page that carries its model: the C code as WebAssembly, and what runs it in a browser or in Node."""
