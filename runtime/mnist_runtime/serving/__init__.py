"""Answer pictures over HTTP: the application, its bounds and its server (Starlette and uvicorn)."""
