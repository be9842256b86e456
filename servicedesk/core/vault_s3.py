"""Sealed forms in a bucket of an S3-compatible store."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.core.files.base import ContentFile, File
from storages.backends.s3 import S3Storage
from urllib3.exceptions import HTTPError

from servicedesk.core.vault import StoreError


class OnceInBucket(S3Storage):  # type: ignore[misc]
    """As `vault.OnceOnDisk`. A store too old for conditional writes would at worst write the same
    content once more: the name is its hash.
    """

    def get_default_settings(self) -> dict[str, Any]:
        # A form is read through the log-in, never by an address of the store.
        return {
            **super().get_default_settings(),
            "default_acl": None,
            "file_overwrite": True,
            "client_config": Config(
                connect_timeout=5,
                read_timeout=20,
                retries={"max_attempts": 2},
                signature_version="s3v4",
                # Stores of one's own seldom have a name in the DNS for each bucket.
                s3={"addressing_style": "path" if settings.S3_ENDPOINT_URL else "auto"},
                request_checksum_calculation="when_required",
            ),
        }

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return name

    def _save(self, name: str, content: File[Any]) -> str:
        body = content.read()
        try:
            self.connection.meta.client.put_object(
                Bucket=self.bucket_name,
                Key=self._normalize_name(name),
                Body=body,
                ContentType="application/pdf",
                ChecksumSHA256=b64encode(hashlib.sha256(body).digest()).decode(),
                IfNoneMatch="*",
            )
        except ClientError as error:
            # 412: it is there; 409: another worker writes the very same now.
            if error.response["ResponseMetadata"].get("HTTPStatusCode") not in {409, 412}:
                raise self._down(error) from error
        except BotoCoreError as error:
            raise self._down(error) from error
        return name

    def _open(self, name: str, mode: str = "rb") -> File[Any]:
        """Read at once: a form is small, and the store may be away later."""
        try:
            answer = self.connection.meta.client.get_object(
                Bucket=self.bucket_name, Key=self._normalize_name(name)
            )
            return ContentFile(answer["Body"].read(), name)
        except ClientError as error:
            if error.response["Error"].get("Code") in {"NoSuchKey", "404"}:
                raise FileNotFoundError(name) from error
            raise self._down(error) from error
        except (BotoCoreError, HTTPError) as error:
            raise self._down(error) from error

    def delete(self, name: str) -> None:
        raise PermissionError(f"{name} is kept for good")

    def _down(self, error: Exception) -> StoreError:
        return StoreError(f"s3://{self.bucket_name}: {error}")
