"""The token that a call carries."""

import json
import time
from pathlib import Path
from typing import Any

from molmo2_client.errors import Unauthorized

_SECONDS_OF_RENEWAL = 2.0
"""How long TorchServe may take to write the key that it has just made, on a busy machine."""


class Credentials:
    """A fixed token, or the inference key of TorchServe's ``key_file.json``, or neither.

    TorchServe makes new keys at every start, so a key from a file is read again when it is refused.
    """

    def __init__(self, token: str | None = None, key_file: Path | None = None) -> None:
        self._token = token
        self._key_file = None if token is not None else key_file

    def token(self) -> str | None:
        """The token to send; None sends none.

        Raises:
            Unauthorized: the key file cannot be read or holds no inference key.
        """
        if self._token is None and self._key_file is not None:
            self._token = read_inference_key(self._key_file)
        return self._token

    def renew(self, refused: str | None) -> bool:
        """Reads the key file again; says whether there is now a token other than ``refused``.

        TorchServe refuses the old key a moment before the new one is in its file, so that it is
        looked for that long.
        """
        if self._key_file is None:
            return False
        until = time.monotonic() + _SECONDS_OF_RENEWAL
        while True:
            self._token = read_inference_key(self._key_file)
            if self._token != refused or time.monotonic() > until:
                return self._token != refused
            time.sleep(0.05)


def read_inference_key(key_file: Path) -> str:
    """The key for inference calls in TorchServe's ``key_file.json``.

    The file is ``{"inference": {"key": …, "expiration time": …}, "management": …, "API": …}``.

    Raises:
        Unauthorized: the file cannot be read or holds no inference key.
    """
    try:
        key = _written(key_file)["inference"]["key"]
    except OSError as error:
        raise Unauthorized(
            f"key_file: {key_file} cannot be read ({error.strerror}); TorchServe writes"
            " key_file.json into the folder it is started in, readable by its own user only"
        ) from None
    except (ValueError, KeyError, TypeError):
        raise _malformed(key_file) from None
    if not isinstance(key, str):
        raise _malformed(key_file)
    return key


def _written(key_file: Path) -> Any:
    """The file's JSON, once it is whole: TorchServe empties the file before it writes it anew."""
    until = time.monotonic() + _SECONDS_OF_RENEWAL
    while True:
        try:
            return json.loads(key_file.read_bytes())
        except ValueError:
            if time.monotonic() > until:
                raise
        time.sleep(0.05)


def _malformed(key_file: Path) -> Unauthorized:
    return Unauthorized(f"key_file: {key_file} holds no inference key; is it TorchServe's file?")
