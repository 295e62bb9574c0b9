"""Objects in S3 or anything that speaks its protocol, on boto3."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from shared.config import ConfigError
from shared.objects import (
    ObjectInfo,
    ObjectMissingError,
    ObjectsRefusedError,
    ObjectsUnavailableError,
    Sink,
    check_key,
    check_seconds,
)

if TYPE_CHECKING:
    from types import TracebackType

# S3 takes at most 10,000 parts of at least 5 MiB: objects of up to 80 GB, and so many bytes in memory.
PART_BYTES = 8 * 1024 * 1024
_BINARY = "application/octet-stream"
_KNOWN = {"endpoint", "region", "public_endpoint"}
_MISSING = {"NoSuchKey", "404", "NotFound", "NoSuchUpload"}
_CLOSED = {401, 403}
_REFUSED = {
    "NoSuchBucket": "the bucket {bucket} does not exist",
    "InvalidBucketName": "{bucket} is no name of a bucket",
    "PermanentRedirect": "the bucket {bucket} is in another region",
    "AccessDenied": "no permission on the bucket {bucket}",
    "403": "no permission on the bucket {bucket}",
    "Forbidden": "no permission on the bucket {bucket}",
    "InvalidAccessKeyId": "the access key of the bucket {bucket} is not known",
    "XAdminUserNotFound": "the access key of the bucket {bucket} is not known",  # versitygw's own word for it
    "SignatureDoesNotMatch": "the secret of the bucket {bucket} is wrong",
    "AllAccessDisabled": "the bucket {bucket} is closed",
}


class S3Objects:
    """Objects below a prefix of one bucket. Raises ConfigError for a parameter of the URL that is not known."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        given = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        if unknown := sorted(set(given) - _KNOWN):
            raise ConfigError([f"the s3:// URL has unknown parameters {unknown}; known are {sorted(_KNOWN)}"])
        self._bucket = parts.hostname or ""
        self._prefix = f"{prefix}/" if (prefix := unquote(parts.path).strip("/")) else ""
        self._credentials = (unquote(parts.username or ""), unquote(parts.password or ""))
        self._options = given
        self._lock = threading.Lock()
        self._clients: dict[str, Any] = {}

    def put(self, key: str, data: bytes, *, content_type: str = _BINARY) -> None:
        with self._told(key):
            self._client.put_object(Bucket=self._bucket, Key=self._at(key), Body=data, ContentType=content_type)

    @contextmanager
    def writer(self, key: str, *, content_type: str = _BINARY) -> Iterator[Sink]:
        place = {"Bucket": self._bucket, "Key": self._at(key)}
        with self._told(key):
            upload = _Upload(self._client, place, lambda: self._told(key), content_type)
        with upload:
            yield upload

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        if length == 0 or (start and start >= self.size(key)):
            return b""
        more = {"Range": f"bytes={start}-{'' if length is None else start + length - 1}"} if start or length else {}
        with self._told(key):
            answer = self._client.get_object(Bucket=self._bucket, Key=self._at(key), **more)
            data: bytes = answer["Body"].read()
        return data

    def size(self, key: str) -> int:
        with self._told(key):
            return int(self._client.head_object(Bucket=self._bucket, Key=self._at(key))["ContentLength"])

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        with self._told(prefix):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix + prefix
            )
            for page in pages:
                for found in page.get("Contents", ()):
                    yield ObjectInfo(found["Key"].removeprefix(self._prefix), found["Size"])

    def delete(self, key: str) -> None:
        with self._told(key):
            self._client.delete_object(Bucket=self._bucket, Key=self._at(key))

    def sweep(self, prefix: str) -> None:
        # Who may not list uploads, or a server that lists them by whole keys only, leaves it to the bucket's own rule.
        with suppress(ObjectsRefusedError), self._told(prefix):
            pages = self._client.get_paginator("list_multipart_uploads").paginate(
                Bucket=self._bucket, Prefix=self._prefix + prefix
            )
            for page in pages:
                for found in page.get("Uploads", ()):
                    with suppress(ObjectMissingError), self._told(found["Key"]):  # ended meanwhile
                        self._client.abort_multipart_upload(
                            Bucket=self._bucket, Key=found["Key"], UploadId=found["UploadId"]
                        )

    def link(self, key: str, seconds: int) -> str:
        given = {"Bucket": self._bucket, "Key": self._at(key)}
        with self._told(key):
            client = self._client_at(self._options.get("public_endpoint") or self._options.get("endpoint", ""))
            link: str = client.generate_presigned_url("get_object", Params=given, ExpiresIn=check_seconds(seconds))
        return link

    def check(self) -> None:
        with self._told(""):
            self._client.head_bucket(Bucket=self._bucket)

    def close(self) -> None:
        for client in self._clients.values():
            client.close()
        self._clients.clear()

    def _at(self, key: str) -> str:
        return self._prefix + check_key(key)

    @property
    def _client(self) -> Any:
        return self._client_at(self._options.get("endpoint", ""))

    def _client_at(self, endpoint: str) -> Any:
        with self._lock:
            if endpoint not in self._clients:
                self._clients[endpoint] = self._connect(endpoint)
            return self._clients[endpoint]

    def _connect(self, endpoint: str) -> Any:
        import boto3
        from botocore.config import Config

        key, secret = self._credentials
        config = Config(
            signature_version="s3v4",
            connect_timeout=3,
            read_timeout=30,
            retries={"mode": "standard", "total_max_attempts": 3},
            # A bucket is a name before the host only where wildcards resolve, which is AWS.
            s3={"addressing_style": "path" if endpoint else "auto"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        return boto3.session.Session().client(
            "s3",
            endpoint_url=endpoint or None,
            region_name=self._options.get("region") or "us-east-1",
            aws_access_key_id=key or None,
            aws_secret_access_key=secret or None,
            config=config,
        )

    @contextmanager
    def _told(self, key: str) -> Iterator[None]:
        """The library's faults as those of the port."""
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

        try:
            yield
        except ClientError as error:
            raise self._fault(error, key) from error
        except NoCredentialsError as error:
            raise ObjectsRefusedError(f"no credentials for the bucket {self._bucket}") from error
        except (BotoCoreError, OSError) as error:
            raise ObjectsUnavailableError("the storage of objects does not answer") from error

    def _fault(self, error: Any, key: str) -> Exception:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if not key and code in _MISSING:
            code = "NoSuchBucket"
        if code in _MISSING:
            return ObjectMissingError(key)
        if code not in _REFUSED and error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") in _CLOSED:
            code = "403"
        if code in _REFUSED:
            return ObjectsRefusedError(_REFUSED[code].format(bucket=self._bucket))
        return ObjectsUnavailableError(f"the storage of objects answers {code or 'nothing that can be read'}")


class _Upload:
    """A multipart upload: begun with the second part, completed at the end, aborted with any error."""

    def __init__(
        self,
        client: Any,
        place: dict[str, str],
        told: Callable[[], AbstractContextManager[None]],
        content_type: str,
    ) -> None:
        self._client = client
        self._place = place
        self._told = told
        self._content_type = content_type
        self._buffer = bytearray()
        self._parts: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        return self

    def write(self, data: bytes) -> int:
        self._buffer += data
        while len(self._buffer) > PART_BYTES:
            self._send(bytes(self._buffer[:PART_BYTES]))
            del self._buffer[:PART_BYTES]
        return len(data)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: "TracebackType | None"
    ) -> None:
        if kind is not None:
            self._abort()
        elif not self._begun:
            with self._told():
                self._client.put_object(**self._place, Body=bytes(self._buffer), ContentType=self._content_type)
        else:
            self._complete()

    @property
    def _begun(self) -> bool:
        return "UploadId" in self._place

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Told as by the port; an upload that somebody swept away must be begun again."""
        try:
            with self._told():
                yield
        except ObjectMissingError as error:
            raise ObjectsUnavailableError("what was written was swept away meanwhile") from error

    def _send(self, data: bytes) -> None:
        with self._held():
            if not self._begun:
                begun = self._client.create_multipart_upload(**self._place, ContentType=self._content_type)
                self._place["UploadId"] = begun["UploadId"]
            number = len(self._parts) + 1
            sent = self._client.upload_part(**self._place, PartNumber=number, Body=data)
            self._parts.append({"PartNumber": number, "ETag": sent["ETag"]})

    def _complete(self) -> None:
        try:
            self._send(bytes(self._buffer))
            with self._held():
                self._client.complete_multipart_upload(**self._place, MultipartUpload={"Parts": self._parts})
        except (ObjectsUnavailableError, ObjectsRefusedError):
            self._abort()
            raise

    def _abort(self) -> None:
        """Give the parts back; where that fails too, the bucket's rule for unfinished uploads removes them."""
        with suppress(ObjectsUnavailableError, ObjectsRefusedError, ObjectMissingError), self._told():
            if self._begun:
                self._client.abort_multipart_upload(**self._place)
