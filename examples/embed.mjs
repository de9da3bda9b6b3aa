// Uploads a film, embeds it, and prints its clips. Plain fetch, no packages.
//   node embed.mjs film.mp4
import { openAsBlob } from 'node:fs';
import { basename } from 'node:path';

const API = process.env.API ?? 'http://127.0.0.1:1212/v1.3';
const [file] = process.argv.slice(2);

async function call(path, init = {}) {
  const response = await fetch(`${API}${path}`, {
    ...init,
    headers: { 'x-api-key': process.env.KEY, ...init.headers },
  });
  const body = await response.json();
  // Errors have a stable code and a sentence that says what to do.
  if (!response.ok) throw new Error(`${body.code}: ${body.message}`);
  return body;
}

const form = new FormData();
form.set('method', 'direct');
form.set('file', await openAsBlob(file), basename(file));
const asset = await call('/assets', { method: 'POST', body: form });

let task = await call('/embed-v2/tasks', {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({
    input_type: 'video',
    model_name: 'marengo3.0',
    video: {
      media_source: { asset_id: asset._id },
      segmentation: { strategy: 'dynamic', dynamic: { min_duration_sec: 4 } },
    },
  }),
});
// ?wait= holds the answer until the task ends, 60 s at most.
do task = await call(`/embed-v2/tasks/${task._id}?wait=60`);
while (task.status === 'processing');
if (task.status === 'failed') throw new Error(task.error.message);

for (const { embedding_option, embedding_scope, start_sec, end_sec, embedding } of task.data)
  if (embedding_scope === 'clip') console.log(embedding_option, start_sec, end_sec, embedding.slice(0, 3).join(' '));
