"""Files in object stores: S3 and what speaks like it, Azure Blob Storage, Google Cloud Storage.

Here: their settings, the errors of their servers in words. All three go through Arrow's file systems, which plantlake has anyway; they
list in pages and try again with backoff where a server is busy. Elsewhere: what a place offers (`connectors.places.base`).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import urlsplit

from connectors.contract import Export, Place
from connectors.places.base import Entry, Reached, cut, settings, unreachable

if TYPE_CHECKING:
    from pyarrow import fs

T = TypeVar("T")
PIECE = 8 << 20
"""Bytes that are asked for at a time."""
GRACE_S = 1
"""Seconds after which a client that has a timeout of its own did not keep it."""

CAUSES: dict[str, str] = {
    r"NO_SUCH_BUCKET|ContainerNotFound|bucket does not exist|No such file or directory|BlobNotFound": "missing",
    r"curlCode: (28|18|56)|Timeout was reached|DEADLINE_EXCEEDED": "hang",
    r"curlCode: 6\b|Could not resolve": "host",
    r"curlCode: 7\b|Could not connect|Couldn't connect": "refused",
    r"curlCode: (35|51|58|60|77)\b|SSL|certificate": "certificate",
    r"INVALID_ACCESS_KEY|InvalidAccessKey|SIGNATURE_DOES_NOT_MATCH|SignatureDoesNotMatch|EXPIRED_TOKEN|INVALID_CLIENT_TOKEN": "credentials",
    r"AuthenticationFailed|failed to authenticate|UNRECOGNIZED_CLIENT|UNAUTHENTICATED|MISSING_AUTH|status code 401": "credentials",
    r"Could not create credentials|ClientSecretCredential|invalid_client": "credentials",
    r"ACCESS_DENIED|AccessDenied|PERMISSION_DENIED|AuthorizationFailure|AuthorizationPermission|HTTP status (code )?403": "forbidden",
    r"SLOW_DOWN|THROTTLING|REQUEST_LIMIT|SERVICE_UNAVAILABLE|RESOURCE_EXHAUSTED|ServerBusy|HTTP status (code )?(429|50\d)": "busy",
}
"""What the texts of the three clouds say, by cause; the first that fits."""


class S3Settings(Reached):
    """Without keys: what AWS itself looks for (environment, ~/.aws, the machine's role)."""

    access_key: str | None = None
    """Access key id."""
    secret_key: str | None = None
    """Secret access key."""
    session_token: str | None = None
    """Of temporary credentials."""
    role_arn: str | None = None
    """A role that is assumed."""
    anonymous: bool = False
    """A public bucket."""
    region: str | None = None
    """Region of the bucket."""
    endpoint: str | None = None
    """http(s)://host:port of a server that is not AWS (MinIO, Ceph, NetApp ...)."""
    ca_file: str | None = None
    """Certificate of the authority that signed the server's, PEM."""


class AzureSettings(Reached):
    """Without keys: what Azure itself looks for (environment, managed identity)."""

    account: str
    """Storage account."""
    account_key: str | None = None
    """Key of the account."""
    sas_token: str | None = None
    """Shared access signature."""
    tenant: str | None = None
    """Directory of a service principal."""
    client: str | None = None
    """Application id of a service principal, or of a managed identity."""
    client_secret: str | None = None
    """Its secret."""
    endpoint: str | None = None
    """http(s)://host:port of an emulator."""


class GoogleSettings(Reached):
    """Without settings: what Google itself looks for (GOOGLE_APPLICATION_CREDENTIALS, the machine's account)."""

    anonymous: bool = False
    """A public bucket."""
    service_account: str | None = None
    """A service account whose rights are borrowed."""
    endpoint: str | None = None
    """http(s)://host:port of an emulator."""


class Buckets:
    """Files below a URL such as s3://bucket/plant."""

    def __init__(self, place: Place):
        self.place = place
        scheme, _, rest = place.root.partition("://")
        self.base = rest.strip("/")
        try:
            self.fs, self.timeout_s = OPENED[scheme](place)
        except OSError as error:
            raise self._error(error) from error

    def entries(self, folder: str) -> Iterator[Entry]:
        from pyarrow.fs import FileSelector

        for about in self._ask(lambda: self.fs.get_file_info(FileSelector(self._path(folder)))):
            yield self._entry(about)

    def entry(self, name: str) -> Entry | None:
        (about,) = self._ask(lambda: self.fs.get_file_info([self._path(name)]))
        return self._entry(about) if about.is_file else None

    def url(self, name: str) -> str:
        return f"{self.place.root.rstrip('/')}/{name}"

    def detailed(self, exports: list[Export]) -> list[Export]:
        return exports

    def copy(self, export: Export, target: Path) -> None:
        size = self._copied(export, target)
        about = self.entry(export.name)
        if about and about.size is not None and about.modified == export.modified and about.size != size:
            raise cut(export, size, about.size)

    def beside(self) -> list[str]:
        from pyarrow.fs import FileSelector

        return [about.base_name for about in self._ask(lambda: self.fs.get_file_info(FileSelector("")))]

    def close(self) -> None:
        """Arrow closes what it opened."""

    def _copied(self, export: Export, target: Path) -> int:
        size = 0
        source = self._ask(lambda: self.fs.open_input_stream(self._path(export.name)))
        with target.open("wb") as out:
            while chunk := self._ask(lambda: source.read(PIECE)):
                size += out.write(chunk)
        self._ask(source.close)
        return size

    def _path(self, name: str) -> str:
        return f"{self.base}/{name}".strip("/")

    @staticmethod
    def _entry(about: fs.FileInfo) -> Entry:
        return Entry(about.base_name, not about.is_file, about.size, about.mtime)

    def _ask(self, question: Callable[[], T]) -> T:
        """What a question gives, its errors in words.

        The clients of Azure and Google know no timeout for a server that takes the connection and says nothing: they are asked in a thread
        that is left behind."""
        answers: SimpleQueue[tuple[T | None, OSError | None]] = SimpleQueue()

        def ask() -> None:
            try:
                answers.put((question(), None))
            except OSError as error:
                answers.put((None, error))

        threading.Thread(target=ask, name="bucket", daemon=True).start()
        try:
            value, error = answers.get(timeout=self.timeout_s + GRACE_S)
        except Empty:
            raise unreachable("hang", self.place, "", timeout_s=self.timeout_s) from None
        if error is not None:
            raise error if isinstance(error, FileNotFoundError) else self._error(error) from error
        return cast(T, value)

    def _error(self, error: OSError) -> Exception:
        text = str(error)
        cause = next((cause for pattern, cause in CAUSES.items() if re.search(pattern, text)), "broken")
        return FileNotFoundError(text) if cause == "missing" else unreachable(cause, self.place, text, timeout_s=self.timeout_s)


def _s3(place: Place) -> tuple[fs.FileSystem, float]:
    from pyarrow import fs

    own = settings(place, S3Settings)
    each = max(1.0, own.timeout_s / own.attempts)
    return fs.S3FileSystem(
        access_key=own.access_key, secret_key=own.secret_key, session_token=own.session_token, role_arn=own.role_arn,
        anonymous=own.anonymous, region=own.region or ("us-east-1" if own.endpoint else None), connect_timeout=each, request_timeout=each,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=own.attempts), tls_ca_file_path=own.ca_file, **_endpoint(own.endpoint),
    ), own.timeout_s  # fmt: skip


def _azure(place: Place) -> tuple[fs.FileSystem, float]:
    from pyarrow import fs

    own = settings(place, AzureSettings)
    at = _endpoint(own.endpoint)
    emulator = {"blob_storage_authority": at["endpoint_override"], "dfs_storage_authority": at["endpoint_override"],
                "blob_storage_scheme": at["scheme"], "dfs_storage_scheme": at["scheme"]} if at else {}  # fmt: skip
    return fs.AzureFileSystem(
        own.account, account_key=own.account_key, sas_token=own.sas_token, tenant_id=own.tenant, client_id=own.client,
        client_secret=own.client_secret, **emulator,
    ), own.timeout_s  # fmt: skip


def _google(place: Place) -> tuple[fs.FileSystem, float]:
    from pyarrow import fs

    own = settings(place, GoogleSettings)
    return fs.GcsFileSystem(
        anonymous=own.anonymous, target_service_account=own.service_account, retry_time_limit=timedelta(seconds=own.timeout_s),
        **_endpoint(own.endpoint),
    ), own.timeout_s  # fmt: skip


def _endpoint(url: str | None) -> dict[str, Any]:
    parts = urlsplit(url or "")
    return {"scheme": parts.scheme, "endpoint_override": parts.netloc} if url else {}


OPENED: dict[str, Callable[[Place], tuple[Any, float]]] = {
    "s3": _s3, "az": _azure, "abfs": _azure, "abfss": _azure, "gs": _google, "gcs": _google,
}  # fmt: skip
