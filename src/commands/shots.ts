import { stat, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { isReelvecError } from '../errors.ts';
import { workerPool } from '../start/worker-pool.ts';
import type { ShotList } from '../workers/protocol.ts';
import { WorkerLost } from '../workers/supervised-process.ts';
import { CommandError, onlyPositional, readArguments } from './arguments.ts';
import { callerPath, requireWritable } from './paths.ts';
import { ProgressLine } from './progress-line.ts';
import { shotsPlot } from './shots-plot/plot.ts';

export const help = `Finds the shots of a video: hard cuts and gradual transitions.

Usage: reelvec shots FILE [--json] [--plot OUT.html]

Options:
  --json            prints one JSON object instead of a table
  --plot OUT.html   writes an HTML page with the measurements over time and a thumbnail of each shot

Examples:
  reelvec shots film.mp4
  reelvec shots film.mp4 --json | jq '.shots | length'
  reelvec shots film.mp4 --plot shots.html
`;

export async function run(args: string[]): Promise<void> {
  const { values, positionals, config } = readArguments(args, { json: { type: 'boolean' }, plot: { type: 'string' } });
  const path = callerPath(onlyPositional(positionals, 'a file'));
  if (!(await stat(path).catch(() => undefined))?.isFile()) throw new CommandError(`There is no file ${path}.`);
  const plot = values.plot === undefined ? undefined : callerPath(values.plot);
  if (plot !== undefined) await requireWritable(plot, '--plot');
  await using workers = workerPool(config, { size: 1 });
  const progress = new ProgressLine();
  try {
    const list = await workers.run<'shots'>(
      { kind: 'shots', path, withTrace: plot !== undefined },
      { onProgress: (doneSec) => progress.seconds(doneSec) },
    );
    progress.clear();
    if (plot !== undefined && list.trace) await writeFile(plot, shotsPlot(basename(path), list, list.trace));
    process.stdout.write(values.json ? `${JSON.stringify(shotsJson(list), null, 2)}\n` : table(list));
  } catch (error) {
    if (isReelvecError(error) || error instanceof WorkerLost) throw new CommandError(error.message);
    throw error;
  }
}

function shotsJson({ frameRate, frameCount, durationSec, shots }: ShotList) {
  return {
    frame_rate: frameRate,
    frame_count: frameCount,
    duration_sec: durationSec,
    shots: shots.map(({ startFrame, startSec, endSec, transition, transitionFrames: [first, last] }) => ({
      start_frame: startFrame,
      start_sec: startSec,
      end_sec: endSec,
      transition,
      transition_frames: [first, last],
    })),
  };
}

function table({ shots }: ShotList): string {
  const rows = shots.map(
    ({ startFrame, startSec, endSec, transition }, i) =>
      `${String(i + 1).padStart(5)} ${clock(startSec)} ${clock(endSec)} ${String(startFrame).padStart(8)}  ${transition}`,
  );
  return `${'shot'.padStart(5)} ${'start'.padStart(12)} ${'end'.padStart(12)} ${'frame'.padStart(8)}  begins with\n${rows.join('\n')}\n`;
}

/** Formats seconds as HH:MM:SS.mmm: 3723.5 is 01:02:03.500. */
function clock(sec: number): string {
  return new Date(Math.round(sec * 1000)).toISOString().slice(11, 23);
}
