/**
 * Accuracy of the audio vectors on ESC-10: 5 nearest neighbours, leave one source out
 * (Piczak 2015). The encoder is trained without the fold that is reported.
 */
import { type AudioModel, createAudioEncoder } from '../src/encode/signal/audio/audio.ts';
import { cosine } from '../test/support/embeddings.ts';
import { type LabelledClip, learn, readEsc10 } from './audio-learning.ts';
import { checkTargets, percent } from './report.ts';

const NEIGHBOURS = 5;

const clips = readEsc10();
const folds = [...new Set(clips.map((clip) => clip.fold))].sort();

const learntOnOthers = await rotate('learnt on the other folds', (fold) => [
  clips.filter((clip) => clip.fold !== fold),
  clips.filter((clip) => clip.fold === fold),
]);
await rotate('learnt on this fold, searched in the others', (fold) => [
  clips.filter((clip) => clip.fold === fold),
  clips.filter((clip) => clip.fold !== fold),
]);
checkTargets([
  {
    what: 'audio: leave-one-source-out 5-NN accuracy on folds that nothing was learnt from',
    got: percent(learntOnOthers),
    want: '≥ 80.0 %',
    met: learntOnOthers >= 0.8,
  },
]);

/** @returns share of correctly labelled clips over all turns */
async function rotate(name: string, split: (fold: number) => [LabelledClip[], LabelledClip[]]): Promise<number> {
  let right = 0;
  let asked = 0;
  for (const fold of folds) {
    const [known, unseen] = split(fold);
    const hits = await namedRight(unseen, learn(known));
    console.log(`       fold ${fold}, ${name}: ${percent(hits / unseen.length)} of ${unseen.length} clips`);
    right += hits;
    asked += unseen.length;
  }
  console.log(`${name}: ${percent(right / asked)}`);
  return right / asked;
}

async function namedRight(clips: readonly LabelledClip[], model: AudioModel): Promise<number> {
  const vectors = await createAudioEncoder(model).encode(
    clips.map(({ samples }) => ({ startSec: 0, endSec: 5, samples })),
  );
  return clips.filter(({ label, source }, i) => {
    const neighbours = clips
      .map((clip, j) => ({ clip, similarity: cosine(vectors[i]!, vectors[j]!) }))
      .filter(({ clip }) => clip.source !== source)
      .sort((a, b) => b.similarity - a.similarity)
      .slice(0, NEIGHBOURS);
    return vote(neighbours) === label;
  }).length;
}

/** Label of most neighbours; ties go to the more similar ones. */
function vote(neighbours: readonly { clip: LabelledClip; similarity: number }[]): string {
  const votes = new Map<string, number>();
  for (const { clip, similarity } of neighbours) {
    // A similarity is at most 1, so it only breaks ties.
    votes.set(clip.label, (votes.get(clip.label) ?? 0) + 1 + similarity / 100);
  }
  return [...votes].reduce((best, entry) => (entry[1] > best[1] ? entry : best))[0];
}
