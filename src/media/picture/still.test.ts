import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import sharp from 'sharp';
import { readStill } from './still.ts';

const folder = await mkdtemp(join(tmpdir(), 'reelvec-still-'));
after(() => rm(folder, { recursive: true, force: true }));

const SIZE = { width: 16, height: 16, fit: 'stretch' } as const;
const RED = [200, 30, 20];
const BLUE = [10, 40, 220];

/** Image with a red left half and a blue right half. */
const halves = Buffer.from(Array.from({ length: 160 * 200 }, (_, i) => (i % 200 < 100 ? RED : BLUE)).flat());
const raw = { raw: { width: 200, height: 160, channels: 3 as const } };

async function read(name: string, bytes: Uint8Array) {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return readStill(path, SIZE);
}

/** Colour of a pixel of the scaled picture. */
function at({ picture }: Awaited<ReturnType<typeof readStill>>, x: number, y: number): number[] {
  return Array.from(picture.data.subarray((y * SIZE.width + x) * 3, (y * SIZE.width + x) * 3 + 3));
}

function assertNear(got: number[], wanted: readonly number[], what: string): void {
  assert.ok(
    got.every((value, i) => Math.abs(value - wanted[i]!) <= 12),
    `${what}: got ${got}, wanted ${wanted}`,
  );
}

for (const format of ['jpeg', 'png', 'webp', 'avif'] as const) {
  test(`${format} is read by content, not by file name, with its colours`, async () => {
    const still = await read('picture.bin', await sharp(halves, raw).toFormat(format, { quality: 95 }).toBuffer());
    assert.deepEqual([still.format, still.width, still.height], [format, 200, 160]);
    assert.equal(still.picture.data.length, 16 * 16 * 3);
    assertNear(at(still, 2, 8), RED, 'left');
    assertNear(at(still, 13, 8), BLUE, 'right');
  });
}

test('a picture is turned upright by its EXIF orientation', async () => {
  // Orientation 6: the left edge of the stored image is the top.
  const turned = await sharp(halves, raw).withMetadata({ orientation: 6 }).jpeg({ quality: 95 }).toBuffer();
  const still = await read('turned.jpg', turned);
  assert.deepEqual([still.width, still.height], [160, 200]);
  assertNear(at(still, 8, 2), RED, 'top');
  assertNear(at(still, 8, 13), BLUE, 'bottom');
});

test('grey, 16 bits, a palette and CMYK become 8-bit RGB', async () => {
  const grey = await read('grey.png', await sharp(halves, raw).greyscale().png().toBuffer());
  const [r, g, b] = at(grey, 2, 8);
  assert.ok(r === g && g === b);
  const deep = await sharp(halves, raw).toColourspace('rgb16').png().toBuffer();
  assertNear(at(await read('deep.png', deep), 2, 8), RED, '16 bits');
  const palette = await sharp(halves, raw).png({ palette: true }).toBuffer();
  assertNear(at(await read('palette.png', palette), 13, 8), BLUE, 'palette');
  const cmyk = await read('cmyk.jpg', await sharp(halves, raw).toColourspace('cmyk').jpeg().toBuffer());
  const left = at(cmyk, 2, 8);
  assert.ok(left[0]! > 120 && left[0]! > left[1]! + 60 && left[0]! > left[2]! + 60, `CMYK red: ${left}`);
});

test('transparency becomes white', async () => {
  const clear = {
    create: { width: 200, height: 160, channels: 4 as const, background: { r: 0, g: 0, b: 0, alpha: 0 } },
  };
  for (const format of ['png', 'webp', 'avif'] as const) {
    const still = await read(`clear.${format}`, await sharp(clear).toFormat(format).toBuffer());
    assertNear(at(still, 8, 8), [255, 255, 255], format);
  }
});

test('an animated WebP gives its first picture', async () => {
  const second = Buffer.alloc(halves.length, 0);
  const animated = await sharp(Buffer.concat([halves, second]), {
    raw: { width: 200, height: 320, channels: 3, pageHeight: 160 },
  })
    .webp({ loop: 0, delay: [100, 100], quality: 95 })
    .toBuffer();
  assert.equal((await sharp(animated).metadata()).pages, 2);
  const still = await read('animated.webp', animated);
  assert.deepEqual([still.width, still.height], [200, 160]);
  assertNear(at(still, 2, 8), RED, 'left');
  assertNear(at(still, 13, 8), BLUE, 'right');
});

test('a picture of forty million pixels is read', async () => {
  const large = await sharp({ create: { width: 8000, height: 5000, channels: 3, background: 'rgb(200,30,20)' } })
    .jpeg()
    .toBuffer();
  const still = await read('large.jpg', large);
  assert.deepEqual([still.width, still.height], [8000, 5000]);
  assertNear(at(still, 8, 8), RED, 'colour');
});

test('an image that breaks a rule is refused with the rule', async () => {
  const blank = (width: number, height: number) => sharp({ create: { width, height, channels: 3, background: 'red' } });
  await assert.rejects(read('small.png', await blank(300, 127).png().toBuffer()), {
    code: 'image_resolution_too_low',
    message: /300×127.*at least 128/,
  });
  assert.equal((await read('just.png', await blank(128, 128).png().toBuffer())).width, 128);
  await assert.rejects(read('bomb.png', await blank(12_000, 9_000).png({ compressionLevel: 9 }).toBuffer()), {
    code: 'image_resolution_too_high',
    message: /12000×9000.*100 million/,
  });
});

test('a damaged, truncated or unsupported image is refused', async () => {
  const jpeg = await sharp(halves, raw).jpeg().toBuffer();
  const faults = {
    'cut.jpg': jpeg.subarray(0, jpeg.length / 2),
    'nothing.png': Buffer.from('\x89PNG\r\n\x1a\nnothing', 'latin1'),
    'gif.png': await sharp(halves, raw).gif().toBuffer(),
    'tiff.jpg': await sharp(halves, raw).tiff().toBuffer(),
    'drawing.png': Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="200" height="200"/>'),
    'self.txt': await readFile(import.meta.filename),
  };
  for (const [name, bytes] of Object.entries(faults)) {
    await assert.rejects(read(name, bytes), { code: /image_file_broken|source_not_media/ }, name);
  }
});
