import { readdirSync, readlinkSync } from 'node:fs';
import { childrenOf, type RunningServer } from './server.ts';

/** Media workers of a server that have a file open whose path holds a text, say the id of a task (Linux). */
export function workersReading(server: RunningServer, text: string): number[] {
  return childrenOf(server.pid).filter((pid) => openFiles(pid).some((path) => path.includes(text)));
}

function openFiles(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).map((fd) => {
      try {
        return readlinkSync(`${folder}/${fd}`);
      } catch {
        return ''; // closed meanwhile
      }
    });
  } catch {
    return []; // ended meanwhile
  }
}
