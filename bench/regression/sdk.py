"""Calls every method of the official Python SDK that reelvec serves, against a running server.

    TWELVELABS_BASE_URL=http://127.0.0.1:1212/v1.3 KEY=... python sdk.py film.mp4 sound.wav picture.jpg FILM_URL

Fails when the SDK has a method of these clients that is not called here.
"""

import base64
import os
import sys
import time

import httpx
from twelvelabs import TwelveLabs
from twelvelabs.errors import BadRequestError, NotFoundError
from twelvelabs.types import CompletedChunk

film, sound, picture, film_url = sys.argv[1:]
client = TwelveLabs(api_key=os.environ["KEY"])
called = set()
MODEL = "marengo3.0"


def call(path, *args, **kwargs):
    called.add(path)
    target = client
    for name in path.split("."):
        target = getattr(target, name)
    return target(*args, **kwargs)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def encoded(path):
    return base64.b64encode(read(path)).decode()


def create_task(input_type, media_source, **options):
    request = {input_type: {"media_source": media_source, **options}}
    return call("embed.v_2.tasks.create", input_type=input_type, model_name=MODEL, **request)


def until_done(task):
    while task.status == "processing":
        time.sleep(0.2)
        task = call("embed.v_2.tasks.retrieve", task.id)
    assert task.status == "ready", task.error
    assert all(len(item.embedding) == 512 for item in task.data)
    return task


# Assets: by upload and by URL.
with open(film, "rb") as file:
    asset = call("assets.create", method="direct", file=file, user_metadata='{"take": 3}')
assert asset.status == "ready", asset
by_url = call("assets.create", method="url", url=film_url, filename="from-url.mp4")
assert call("assets.retrieve", asset.id).user_metadata == {"take": 3}
call("assets.update_user_metadata", asset.id, user_metadata={"scene": "4b"})
assert call("assets.retrieve", asset.id).user_metadata == {"take": 3, "scene": "4b"}
call("assets.replace_user_metadata", asset.id, user_metadata={"scene": "5"})
assert call("assets.retrieve", asset.id).user_metadata == {"scene": "5"}
call("assets.delete_user_metadata", asset.id)
assert not call("assets.retrieve", asset.id).user_metadata
assert [a.id for a in call("assets.list", page_limit=1, asset_types=["video"])] == [by_url.id, asset.id]
assert [a.id for a in call("assets.list", asset_ids=[asset.id])] == [asset.id]
assert [a.id for a in call("assets.list", filename="from-URL")] == [by_url.id]
try:
    call("assets.retrieve_transcription", asset.id)
except NotFoundError:
    pass

# Multipart upload: by the helper, and by hand.
assert call("multipart_upload.upload_file", film, file_type="video").asset_id
content = read(film)
begun = call("multipart_upload.create", filename="cut.mp4", type="video", total_size=len(content))
assert begun.upload_id in [u.upload_id for u in call("multipart_upload.list_incomplete_uploads")]
assert [c.status for c in call("multipart_upload.get_status", begun.upload_id)] == ["pending"]
more = call("multipart_upload.get_additional_presigned_urls", begun.upload_id, start=1, count=1)
put = httpx.put(more.upload_urls[0].url, content=content)
chunk = CompletedChunk(
    chunk_index=1, proof=put.headers["etag"].strip('"'), proof_type="etag", chunk_size=len(content)
)
assert call("multipart_upload.report_chunk_batch", begun.upload_id, completed_chunks=[chunk]).total_completed == 1
call("multipart_upload.wait_for_upload_completion", begun.upload_id, sleep_interval=0.1)

# Tasks: by asset, by URL, by base64; and the list.
tasks = [
    create_task("video", {"asset_id": asset.id}),
    create_task("video", {"url": film_url}, end_sec=4, segmentation={"strategy": "fixed", "fixed": {"duration_sec": 2}}),
    create_task("audio", {"base64_string": encoded(sound)}, embedding_option=["audio"]),
]
for task in tasks:
    until_done(task)
assert [t.id for t in call("embed.v_2.tasks.list", page_limit=2)] == [t.id for t in reversed(tasks)]
assert len(list(call("embed.v_2.tasks.list", status="ready"))) == 3
try:
    call("embed.v_2.tasks.retrieve", "0123456789abcdef01234567")
    raise AssertionError("an unknown task was found")
except NotFoundError:
    pass
try:
    create_task("video", {"asset_id": "0123456789abcdef01234567"})
    raise AssertionError("an unknown asset was accepted")
except BadRequestError:
    pass

# Synchronous embeddings of every input type that the built-in bundle serves.
image = {"base64_string": encoded(picture)}
for input_type, request in (
    ("text", {"input_text": "a lighthouse"}),
    ("image", {"media_source": image}),
    ("audio", {"media_source": {"base64_string": encoded(sound)}, "embedding_option": ["audio"]}),
    ("video", {"media_source": {"asset_id": asset.id}}),
    ("multi_input", {"media_sources": [{"name": "still", "media_type": "image", **image}]}),
):
    answer = call("embed.v_2.create", input_type=input_type, model_name=MODEL, **{input_type: request})
    assert answer.data and all(len(item.embedding) == 512 for item in answer.data), input_type

for made in (asset, by_url):
    call("assets.delete", made.id)
try:
    call("assets.retrieve", asset.id)
    raise AssertionError("a deleted asset was found")
except NotFoundError:
    pass

for prefix in ("embed.v_2", "embed.v_2.tasks", "assets", "multipart_upload"):
    part = client
    for name in prefix.split("."):
        part = getattr(part, name)
    for name in dir(part):
        if not name.startswith("_") and name != "with_raw_response" and callable(getattr(part, name)):
            assert f"{prefix}.{name}" in called, f"{prefix}.{name} was not called"
print(f"Python SDK: {len(called)} methods ok")
