"""Uploads a film, embeds it, and prints its clips, with the official SDK (pip install twelvelabs).

    python embed.py film.mp4
"""

import os
import sys
import time

from twelvelabs import MediaSource, TwelveLabs, VideoInputRequest

client = TwelveLabs(
    api_key=os.environ["KEY"],
    base_url=os.environ.get("API", "http://127.0.0.1:1212/v1.3"),
)

with open(sys.argv[1], "rb") as film:
    asset = client.assets.create(method="direct", file=film)

created = client.embed.v_2.tasks.create(
    input_type="video",
    model_name="marengo3.0",
    video=VideoInputRequest(media_source=MediaSource(asset_id=asset.id)),
)
while (task := client.embed.v_2.tasks.retrieve(task_id=created.id)).status == "processing":
    time.sleep(1)
if task.status == "failed":
    sys.exit(f"task {task.id} failed")

for item in task.data:
    if item.embedding_scope == "clip":
        print(item.embedding_option, item.start_sec, item.end_sec, *item.embedding[:3])
