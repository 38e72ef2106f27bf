"""The shapes of the documented records, for type checkers only: at run time this module holds nothing.

Times are milliseconds since 1970, sizes bytes, speeds bytes per second, durations seconds unless said
otherwise, progress percent.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal, TypedDict

    Status = Literal["uploading", "paused", "completed", "failed", "cancelled"]
    Phase = Literal[
        "queued",
        "creating",
        "uploading",
        "reconciling",
        "finalising",
        "waiting-for-network",
        "waiting-for-file",
        "waiting-for-sign-in",
        "cancelling",
        "paused",
        "completed",
        "failed",
        "cancelled",
    ]
    FileAccess = Literal["open", "handle", "copy", "ask", "denied", "choose"]
    ErrorType = Literal[
        "NETWORK_ERROR",
        "CHUNK_UPLOAD_FAILED",
        "UPLOAD_INIT_FAILED",
        "UPLOAD_COMPLETE_FAILED",
        "VALIDATION_ERROR",
    ]

    class UploadedPart(TypedDict):
        part_number: int
        etag: str
        size: int

    class SessionSnapshot(TypedDict):
        """The `session` of `UPLOAD_SNAPSHOT`."""

        project_id: str
        upload_id: str
        s3_key: str
        next_part_number: int
        status: Status
        phase: Phase
        progress: float
        started_at: int
        last_activity: int
        file_size: int | None  # None until the engine has seen the file
        file_name: str
        chunk_size: int
        content_type: str
        user_id: str
        parts_uploaded: int
        object_url: str | None
        etag: str | None
        checksum: (
            str | None
        )  # CRC-64/NVME of the whole object in base64, once it is completed, where the store keeps it
        checked: float | None  # percent of what is just being compared with the file
        file_access: FileAccess
        rank: float
        metadata: dict[str, str] | None  # of the object, from the site's inspectors

    class UploadHead(TypedDict):
        """What is known of an upload without reading its whole snapshot."""

        upload_id: str
        status: Status
        phase: Phase
        file_access: FileAccess
        rank: float
        file_size: int | None  # None until the engine has seen the file
        uploaded_bytes: int
        speed: float
        has_error: bool
        has_parts: bool  # whether they came with the last snapshot

    class UploadSession(SessionSnapshot):
        """A session with its parts, sorted by part number: what `get_upload_session` returns."""

        parts: list[UploadedPart]

    class UploadProgress(TypedDict):
        project_id: str
        progress: float
        uploaded_bytes: int
        total_bytes: int
        current_chunk: int
        total_chunks: int
        estimated_time_remaining: float | None
        speed: float

    class UploadError(TypedDict):
        type: ErrorType
        message: str
        retryable: bool
        recovery: str
        status: int | None
        code: str | None
        request_id: str | None
        story: list[str]

    class EngineCapabilities(TypedDict):
        worker: Literal["shared", "dedicated", "page", "none"]
        storage: Literal["indexeddb", "memory"]
        transports: list[str]
        python: str
        boot: Literal["snapshot", "plain"]
        warnings: list[str]

    class UploadConfig(TypedDict, total=False):
        """The settings of `DEFAULT_UPLOAD_CONFIG`."""

        chunk_size: int | Literal["auto", "adaptive"]
        max_concurrent_chunks: int
        max_concurrent_requests_per_host: int
        max_concurrent_uploads: int
        max_retries: int
        retry_delay: int
        session_ttl: int
        bandwidth_limit: int | None
        max_file_size: int | None
        min_file_size: int
        allowed_types: list[str]
        max_files: int | None
        keep_copy: int | None
        keep_offline: int | None
        progress_interval: int
        checksums: bool
        transport: Literal["auto", "fetch", "xhr"]
        signer_url: str
        signer: Literal["auto", "own", "companion"]
        analytics_url: str
        packages: list[str]
        inspectors: list[dict[str, Any]]
        debug: bool

    UploadWorkerMessage = dict[str, Any]
    """A message from the page to the worker: `type` and the fields of `UPLOAD_WORKER_MESSAGES`."""
    UploadWorkerResponse = dict[str, Any]
    """A message from the worker to the page: `type` and the fields of `UPLOAD_WORKER_RESPONSES`."""
