"""Cases of the official Python SDK. Each prints one JSON line: its name, and what it saw.

Arguments: URL of the API, URL of a host with the files film.mkv, sound.flac and still.jpg, and their folder.
"""

import base64
import json
import sys
import time
from pathlib import Path

from twelvelabs import (
    AsyncVideoInputRequest,
    AudioInputRequest,
    BadRequestError,
    ImageInputRequest,
    MediaSource,
    MultiInputMediaSource,
    MultiInputRequest,
    NotFoundError,
    TextInputRequest,
    TwelveLabs,
)
from twelvelabs.core.api_error import ApiError

API, HOST, FOLDER = sys.argv[1], sys.argv[2], Path(sys.argv[3])
client = TwelveLabs(api_key="test-key", base_url=API)
tasks = client.embed.v_2.tasks


def encoded(name):
    return base64.b64encode((FOLDER / name).read_bytes()).decode()


def until_done(task_id):
    while (task := tasks.retrieve(task_id=task_id)).status == "processing":
        time.sleep(0.2)
    return task


def created(source, **more):
    video = AsyncVideoInputRequest(media_source=source, **more)
    task = tasks.create(input_type="video", model_name="marengo3.0", video=video)
    done = until_done(task.id)
    rows = [(row.embedding_option, row.embedding_scope, row.start_sec, row.embedding) for row in done.data]
    return [task.status, done.status, done.metadata.input_type, rows]


def uploaded():
    seen = []
    result = client.multipart_upload.upload_file(str(FOLDER / "film.mkv"), progress_callback=seen.append)
    while client.assets.retrieve(asset_id=result.asset_id).status == "processing":
        time.sleep(0.2)
    return result.asset_id


def sync(**body):
    response = client.embed.v_2.create(model_name="marengo3.0", **body)
    return [[row.embedding_option, row.embedding_scope, row.embedding] for row in response.data]


def newest_generation():
    video = MultiInputMediaSource(media_type="video", base_64_string=encoded("film.mkv"))
    response = client.embed.v_2.create(
        input_type="multi_input", model_name="marengo3.5", multi_input=MultiInputRequest(media_sources=[video])
    )
    return [len(response.data), len(response.data[0].embedding), response.usage.truncated]


def first_version():
    text = client.embed.create(model_name="marengo3.0", text="dogs")
    with open(FOLDER / "still.jpg", "rb") as file:
        image = client.embed.create(model_name="marengo3.0", image_file=file)
    audio = client.embed.create(model_name="marengo3.0", audio_url=f"{HOST}/sound.flac", audio_start_offset_sec=1)
    return [
        text.text_embedding.segments[0].float_,
        image.image_embedding.segments[0].float_,
        [[part.start_offset_sec, len(part.float_)] for part in audio.audio_embedding.segments],
    ]


def first_version_task():
    with open(FOLDER / "film.mkv", "rb") as file:
        task = client.embed.tasks.create(
            model_name="marengo3.0", video_file=file, video_clip_length=5, video_embedding_scope=["clip", "video"]
        )
    status = client.embed.tasks.wait_for_done(task.id, sleep_interval=0.2)
    found = client.embed.tasks.retrieve(task.id)
    segments = [[part.embedding_option, part.embedding_scope, part.start_offset_sec] for part in found.video_embedding.segments]
    listed = [item.id for item in client.embed.tasks.list(page_limit=1)]
    visual = client.embed.tasks.retrieve(task.id, embedding_option=["visual"])
    kinds = {part.embedding_option for part in visual.video_embedding.segments}
    return [status.status, segments, task.id in listed, sorted(kinds)]


def listed():
    return [[task.id, task.status, task.video_embedding is not None] for task in tasks.list(page_limit=2)]


def failure(kind, call):
    try:
        call()
    except kind as error:
        body = error.body if isinstance(error.body, dict) else error.body.dict()
        return [type(error).__name__, error.status_code, body["code"]]
    return "no error"


def errors():
    source = MediaSource(url=f"{HOST}/film.mkv")
    wrong = AsyncVideoInputRequest(media_source=source, start_sec=-1)
    stranger = TwelveLabs(api_key="wrong", base_url=API)
    return [
        failure(BadRequestError, lambda: tasks.create(input_type="video", model_name="marengo3.0", video=wrong)),
        failure(NotFoundError, lambda: tasks.retrieve(task_id="0123456789abcdef01234567")),
        failure(BadRequestError, lambda: tasks.list(page_limit=51)),
        failure(ApiError, lambda: stranger.embed.v_2.tasks.list()),
    ]


CASES = {
    "url": lambda: created(MediaSource(url=f"{HOST}/film.mkv")),
    "base64": lambda: created(MediaSource(base_64_string=encoded("film.mkv"))),
    "asset": lambda: created(MediaSource(asset_id=uploaded())),
    "list": listed,
    "errors": errors,
    "text": lambda: sync(input_type="text", text=TextInputRequest(input_text="dogs")),
    "image": lambda: sync(
        input_type="image", image=ImageInputRequest(media_source=MediaSource(base_64_string=encoded("still.jpg")))
    ),
    "audio": lambda: sync(
        input_type="audio",
        audio=AudioInputRequest(media_source=MediaSource(url=f"{HOST}/sound.flac"), embedding_option=["audio"]),
    ),
    "newest generation": newest_generation,
    "first version": first_version,
    "first version task": first_version_task,
}
for name, case in CASES.items():
    print(json.dumps({"case": name, "saw": case()}), flush=True)
