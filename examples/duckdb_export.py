"""Exports tasks as Parquet, and finds the most similar pairs of clips with SQL (pip install duckdb).

    python duckdb_export.py TASK_ID...
"""

import os
import sys
import urllib.request

import duckdb

API = os.environ.get("API", "http://127.0.0.1:1212/v1.3")

files = []
for task in sys.argv[1:]:
    request = urllib.request.Request(
        f"{API}/embed-v2/tasks/{task}?format=parquet&embedding_option=visual&embedding_scope=clip",
        headers={"x-api-key": os.environ["KEY"]},
    )
    with urllib.request.urlopen(request) as response, open(f"{task}.parquet", "wb") as file:
        file.write(response.read())
    files.append(file.name)

db = duckdb.connect("embeddings.duckdb")
# A fixed-size array lets DuckDB compare vectors, and an HNSW index (its extension vss) can be built on it.
db.execute(
    """
    create or replace table clips as
    select parse_filename(filename, true) as task, start_sec, end_sec, embedding::float[512] as embedding
    from read_parquet(?, filename = true)
    """,
    [files],
)
pairs = db.execute(
    """
    select a.task, a.start_sec, b.task, b.start_sec,
           round(array_cosine_similarity(a.embedding, b.embedding), 3) as similarity
    from clips a join clips b on (a.task, a.start_sec) < (b.task, b.start_sec)
    order by similarity desc limit 5
    """
).fetchall()
print(db.execute("select count(*) from clips").fetchone()[0], "clips in embeddings.duckdb; the most similar pairs:")
for pair in pairs:
    print(*pair)
