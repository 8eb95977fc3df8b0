"""The picture of a request: its body, or a file of a form."""

from __future__ import annotations

from typing import NamedTuple

from python_multipart.exceptions import FormParserError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from mnist_runtime.errors import printable
from mnist_runtime.serving.bounds import RequestError

__all__ = ["Picture", "picture_of"]

MOST_FIELDS = 10
"""Fields of a form."""
LONGEST_NAME = 100
"""Characters of a file's name in messages."""


class Picture(NamedTuple):
    """The content of a picture file.

    Parameters
    ----------
    content : bytes
        The file.
    name : str
        Its name, for messages.
    """

    content: bytes
    name: str


async def picture_of(request: Request) -> Picture:
    """Receive the picture of a request: the whole body, or the only file of ``multipart/form-data``.

    Raises
    ------
    RequestError
        If there is none, or more than one, or the form is damaged.
    """
    if not request.headers.get("content-type", "").lower().startswith("multipart/"):
        content = await request.body()
        if not content:
            raise RequestError(400, "The request has no picture. Send the file as the body, or in a form (multipart).")
        return Picture(content, "the picture")
    try:
        async with request.form(max_files=MOST_FIELDS, max_fields=MOST_FIELDS) as form:
            files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
            if len(files) != 1:
                raise RequestError(400, f"The form has {len(files)} files, but one picture is needed.")
            name = printable((files[0].filename or "the picture")[:LONGEST_NAME])
            return Picture(await files[0].read(), name)
    except (HTTPException, FormParserError) as error:  # the second from old Starlette
        problem = printable(str(getattr(error, "detail", error))[:200])
        raise RequestError(400, f"The form is damaged ({problem}). Send it again.") from error
