import assert from 'node:assert/strict';
import { test } from 'node:test';
import { subtitleCues, textOfSegments } from './subtitles.ts';

const packet = (codec: string, data: Uint8Array) => ({ codec, data, startSec: 10, endSec: 20, originSec: 0 });
const textOf = (codec: string, text: string) =>
  subtitleCues(packet(codec, Buffer.from(text)))
    .map((cue) => cue.text)
    .join(' | ');

test('each codec gives its plain text', () => {
  assert.equal(textOf('subrip', '<i>Hello</i>\r\n{\\an8}world'), 'Hello world');
  assert.equal(textOf('subrip', '<font color="#fff">one</font><br>two'), 'one two');
  assert.equal(textOf('webvtt', '<v Ann>fish &amp; <00:01.000>chips'), 'fish & chips');
  assert.equal(textOf('webvtt', '<c.yellow.bg_blue>the keeper</c> <00:00:00.500>sleeps'), 'the keeper sleeps');
  assert.equal(textOf('ass', '0,0,Default,,0,0,0,,{\\b1}Well,\\Nyes'), 'Well, yes');
  assert.equal(textOf('ass', '0,0,Default,,0,0,0,fx,the har{\\k20}bour'), 'the harbour');
  const timed = (data: readonly number[]) => subtitleCues(packet('mov_text', Uint8Array.from(data)));
  assert.deepEqual(timed([0, 2, 72, 105, 0, 0, 0, 12]), [{ startSec: 10, endSec: 20, text: 'Hi' }]);
  assert.deepEqual(timed([0, 0]), []);
});

test('drawing commands are dropped, and the text beside them is kept', () => {
  const ass = (text: string) => textOf('ass', `0,0,Default,,0,0,0,,${text}`);
  assert.equal(ass('{\\p1}m 0 0 l 1 1{\\p0}'), '');
  assert.equal(ass('{\\an7\\p2}m 0 0 l 1 1{\\p0}after {\\i1}it'), 'after it');
  assert.equal(ass('before{\\p1}m 0 0{\\p0} and{\\p1\\p0} after'), 'before and after');
  assert.equal(ass('{\\pos(10,20)\\pbo5}placed'), 'placed');
  assert.equal(ass('m 0 0 l 0 -403 l 716 -403.5 b 1 2 3 4 5 6'), '', 'the tag is missing');
  assert.equal(ass('m 0 is a name'), 'm 0 is a name');
});

test('angle brackets that are not tags keep their words', () => {
  assert.equal(textOf('subrip', 'x < a and b > c'), 'x < a and b > c');
  assert.equal(textOf('subrip', '<i>1 <2> 3</i>'), '1 <2> 3');
  assert.equal(textOf('subrip', '&lt;i&gt; is a tag'), '<i> is a tag');
});

test('character references are decoded, once', () => {
  assert.equal(textOf('subrip', 'I don&#39;t know &quot;Jim&quot; &#x27;ello'), `I don't know "Jim" 'ello`);
  assert.equal(textOf('webvtt', 'caf&eacute;&nbsp;&ndash; &Uuml;ber &#128512;&lrm;'), 'café – Über 😀');
  assert.equal(textOf('webvtt', '&amp;lt; &unknown; AT&T &#xD800; &#0;'), '&lt; &unknown; AT&T &#xD800; &#0;');
  assert.equal(textOf('ass', '0,0,Default,,0,0,0,,&amp;'), '&amp;', 'ASS has none');
});

test('sound descriptions are dropped', () => {
  assert.equal(textOf('subrip', '[DOOR SLAMS]\n(sighs) Come in.'), 'Come in.');
  assert.equal(textOf('subrip', '- [Ann] Hello.\n-(quietly): Hi.'), '- Hello. Hi.');
  assert.equal(textOf('subrip', '♪ la la ♪'), '');
});

test('a TTML document gives its lines with their times', () => {
  const document = `<?xml version="1.0" encoding="UTF-8"?>
    <tt:tt xmlns:tt="http://www.w3.org/ns/ttml" xmlns:ttp="http://www.w3.org/ns/ttml#parameter" ttp:frameRate="25" ttp:tickRate="1000">
      <tt:head><tt:metadata>no words</tt:metadata></tt:head>
      <tt:body><tt:div begin="10s"><!-- <p begin="0s" end="9s">no</p> -->
        <tt:p begin="00:00:00.500" end="00:00:01:05">Fish <tt:span tts:color="red">&amp;</tt:span><tt:br/>chips</tt:p>
        <tt:p xml:id='a' begin='2000t' dur='1.5s'>later</tt:p>
        <tt:p begin="3s" end="4s"/>
        <tt:p>never shown</tt:p>
      </tt:div><tt:div><tt:p begin="30s" end="31s">in the next sample</tt:p></tt:div></tt:body></tt:tt>`;
  assert.deepEqual(subtitleCues({ ...packet('ttml', Buffer.from(document)), originSec: 0.25 }), [
    { startSec: 10.25, endSec: 10.95, text: 'Fish & chips' },
    { startSec: 11.75, endSec: 13.25, text: 'later' },
  ]);
});

test('each word is in the segment of its time, and in no other', () => {
  const cues = [
    { startSec: 7, endSec: 9, text: 'late' },
    { startSec: 2, endSec: 6, text: 'one two three four' },
  ];
  const segments = [
    { startSec: 0, endSec: 4 },
    { startSec: 4, endSec: 6 },
    { startSec: 6, endSec: 7 },
    { startSec: 7, endSec: 10 },
  ];
  assert.deepEqual(textOfSegments(cues, segments), ['one two', 'three four', '', 'late']);
});

test('lines at the same time follow each other, also where a segment ends within them', () => {
  const cues = [
    { startSec: 1, endSec: 4, text: 'lighthouse keeper never sleeps' },
    { startSec: 1, endSec: 4, text: 'harbour master always drinks' },
  ];
  assert.deepEqual(textOfSegments(cues, [{ startSec: 0, endSec: 6 }]), [
    'lighthouse keeper never sleeps harbour master always drinks',
  ]);
  const halves = [
    { startSec: 0, endSec: 2.5 },
    { startSec: 2.5, endSec: 6 },
  ];
  assert.deepEqual(textOfSegments(cues, halves), ['lighthouse keeper harbour master', 'never sleeps always drinks']);
});

test('words outside all segments are left out', () => {
  const cues = [{ startSec: 0, endSec: 4, text: 'a b' }];
  assert.deepEqual(textOfSegments(cues, [{ startSec: 2, endSec: 4 }]), ['b']);
});
