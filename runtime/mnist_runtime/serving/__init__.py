"""Answer pictures over HTTP: the application, its limits and its server (Starlette and uvicorn)."""
