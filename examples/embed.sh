#!/usr/bin/env bash
# Uploads a film, embeds it, and prints its clips: option, start, end, and the first values of the vector.
#   ./embed.sh film.mp4
set -euo pipefail
file=$1
API=${API:-http://127.0.0.1:1212/v1.3}

call() { curl -sS --fail-with-body -H "x-api-key: $KEY" "$@"; }

# The answer comes when the asset is ready.
asset=$(call "$API/assets" -F method=direct -F "file=@$file" | jq -r ._id)

# Dynamic segmentation cuts at shot boundaries. {"strategy": "fixed", "fixed": {"duration_sec": 6}} cuts every six seconds.
request=$(jq -n --arg asset "$asset" '{
  input_type: "video",
  model_name: "marengo3.0",
  video: {
    media_source: {asset_id: $asset},
    segmentation: {strategy: "dynamic", dynamic: {min_duration_sec: 4}}
  }
}')
task=$(call "$API/embed-v2/tasks" --json "$request" | jq -r ._id)

# ?wait= holds the answer until the task ends, 60 s at most.
while status=$(call "$API/embed-v2/tasks/$task?wait=60" -o task.json && jq -r .status task.json); [ "$status" = processing ]; do :; done
if [ "$status" = failed ]; then jq -r .error.message task.json >&2; exit 1; fi

jq -r '.data[] | select(.embedding_scope == "clip")
  | [.embedding_option, .start_sec, .end_sec, (.embedding[:3] | join(" "))] | @tsv' task.json
