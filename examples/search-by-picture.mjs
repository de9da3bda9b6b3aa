// Finds the moments of a film that look like a picture, with the official SDK (npm install twelvelabs-js).
//   node search-by-picture.mjs film.mp4 still.jpg
import { createReadStream, readFileSync } from 'node:fs';
import { TwelveLabs } from 'twelvelabs-js';

process.env.TWELVELABS_BASE_URL = process.env.API ?? 'http://127.0.0.1:1212/v1.3';
const client = new TwelveLabs({ apiKey: process.env.KEY });
const [film, still] = process.argv.slice(2);

const asset = await client.assets.create({ method: 'direct', file: createReadStream(film) });
let task = await client.embed.v2.tasks.create({
  inputType: 'video',
  modelName: 'marengo3.0',
  video: {
    mediaSource: { assetId: asset.id },
    embeddingOption: ['visual'],
    embeddingScope: ['clip'],
    segmentation: { strategy: 'dynamic', dynamic: { minDurationSec: 2 } },
  },
});
while (task.status === 'processing') {
  await new Promise((resolve) => setTimeout(resolve, 1000));
  task = await client.embed.v2.tasks.retrieve(task.id);
}
if (task.status === 'failed') throw new Error(`task ${task.id} failed`);

// A picture is embedded at once, into the space of the film's visual vectors.
const query = await client.embed.v2.create({
  inputType: 'image',
  modelName: 'marengo3.0',
  image: { mediaSource: { base64String: readFileSync(still).toString('base64') } },
});
const wanted = query.data[0].embedding;

// All vectors have length 1, so the dot product is the cosine.
const similarity = (embedding) => embedding.reduce((sum, value, i) => sum + value * wanted[i], 0);
const clips = task.data.map(({ startSec, endSec, embedding }) => ({
  startSec,
  endSec,
  similarity: similarity(embedding),
}));
clips.sort((a, b) => b.similarity - a.similarity);
for (const clip of clips.slice(0, 3)) console.log(clip.similarity.toFixed(3), clip.startSec, clip.endSec);
