import type { Cue } from '../media/frames.ts';
import { decodeEntities } from './entities.ts';

/** A comment, declaration, tag with attributes, or the text up to the next tag. */
const TOKEN = /<!--[\s\S]*?-->|<[?!][^>]*>|<(\/?)([\w:.-]+)((?:"[^"]*"|'[^']*'|[^>"'])*?)(\/?)>|[^<]+/g;
/** Frames per second of a document that does not specify them (TTML2, 7.2.5). */
const DEFAULT_FRAME_RATE = 30;

interface Rates {
  readonly frames: number;
  readonly ticks: number;
}

/**
 * Parses a TTML document (W3C Timed Text Markup Language 2).
 * @returns one cue for each `p` with times, in the document's own time, in seconds
 */
export function ttmlCues(document: string): Cue[] {
  const cues: Cue[] = [];
  let rates: Rates = { frames: DEFAULT_FRAME_RATE, ticks: 1 };
  /** Time origins of the children of each open element, in seconds. */
  const origins: number[] = [0];
  let open: { startSec: number; endSec: number; text: string } | undefined;
  for (const [token, closing, tag, attributes = '', isEmpty] of document.matchAll(TOKEN)) {
    const name = tag?.replace(/^.*:/, '');
    if (name === undefined) {
      if (open && !token.startsWith('<')) open.text += token;
    } else if (closing) {
      origins.pop();
      if (name !== 'p' || !open) continue;
      cues.push({ ...open, text: decodeEntities(open.text).replace(/\s+/g, ' ').trim() });
      open = undefined;
    } else {
      if (name === 'tt') rates = ratesOf(attributes);
      if (name === 'br' && open) open.text += ' ';
      const times = timesOf(attributes, origins.at(-1) ?? 0, rates);
      if (name === 'p' && !isEmpty && times.endSec !== undefined) open = { ...times, endSec: times.endSec, text: '' };
      if (!isEmpty) origins.push(times.startSec);
    }
  }
  return cues.filter(({ text }) => text !== '');
}

function ratesOf(attributes: string): Rates {
  const frames = Number(attribute(attributes, 'frameRate')) || DEFAULT_FRAME_RATE;
  return { frames, ticks: Number(attribute(attributes, 'tickRate')) || 1 };
}

function timesOf(attributes: string, originSec: number, rates: Rates): { startSec: number; endSec?: number } {
  const time = (name: string) => seconds(attribute(attributes, name), rates);
  const startSec = originSec + (time('begin') ?? 0);
  const durationSec = time('dur');
  const end = time('end');
  if (durationSec !== undefined) return { startSec, endSec: startSec + durationSec };
  return end === undefined ? { startSec } : { startSec, endSec: originSec + end };
}

/** Value of an attribute, with or without a namespace prefix. */
function attribute(attributes: string, name: string): string | undefined {
  const [, double, single] = new RegExp(`(?:^|[\\s:])${name}\\s*=\\s*(?:"([^"]*)"|'([^']*)')`).exec(attributes) ?? [];
  return double ?? single;
}

/** Time units of TTML, in seconds. */
const UNIT_SEC: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 0.001 };

/** Parses a time expression (TTML2, 12.3): `01:02:03.5`, `01:02:03:12` with frames, `12.5s`, `500ms`, `300f`, `90000t`. */
function seconds(expression: string | undefined, { frames, ticks }: Rates): number | undefined {
  const [, h, m, s, f] = /^(\d+):(\d\d):(\d\d(?:\.\d+)?)(?::(\d+(?:\.\d+)?))?$/.exec(expression ?? '') ?? [];
  if (h !== undefined) return Number(h) * 3600 + Number(m) * 60 + Number(s) + Number(f ?? 0) / frames;
  const [, count, unit = ''] = /^(\d+(?:\.\d+)?)(h|m|s|ms|f|t)$/.exec(expression ?? '') ?? [];
  if (count === undefined) return undefined;
  return Number(count) * ({ ...UNIT_SEC, f: 1 / frames, t: 1 / ticks }[unit] ?? 1);
}
