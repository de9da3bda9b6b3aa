/** Worker entry that misbehaves as the path of its job says: crash, hang, grow and others. */
import type { Reply, Request } from '../../src/workers/protocol.ts';

const send = (reply: Reply) => process.send?.(reply);

process.on('message', ({ job }: Request) => {
  const path = 'path' in job && job.kind !== 'embed' ? job.path : '';
  if (path === 'crash') process.abort();
  if (path === 'exit') process.exit(7);
  if (path === 'hang') for (;;);
  if (path === 'be killed') process.kill(process.pid, 'SIGKILL');
  if (path === 'be terminated') process.kill(process.pid, 'SIGTERM');
  // 'wait' does nothing.
  if (path === 'grow') {
    for (const held: Buffer[] = []; ; ) send({ type: 'progress', doneSec: held.push(Buffer.alloc(4 * 1024 ** 2, 1)) });
  }
  if (path === 'refuse') send({ type: 'failed', message: 'broken', code: 'video_file_broken' });
  if (path === 'throw') send({ type: 'failed', message: 'bug' });
  if (path === 'slow') {
    let ticks = 0;
    const timer = setInterval(() => {
      send({ type: 'progress', doneSec: ++ticks });
      if (ticks < 5) return;
      clearInterval(timer);
      done(path);
    }, 100);
  }
  if (path === 'ok') done(path);
});

function done(path: string): void {
  const media = { format: path, mimeType: String(process.pid), size: 0, durationSec: 0, bitRate: 0 };
  send({ type: 'done', result: { ...media, trackCounts: { video: 0, audio: 0, subtitles: 0 } } });
}

send({ type: 'started' });
