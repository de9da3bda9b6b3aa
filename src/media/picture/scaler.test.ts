import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AV_FRAME_FLAG_INTERLACED,
  AV_PIX_FMT_YUV420P,
  AVCOL_RANGE_JPEG,
  AVCOL_RANGE_MPEG,
  AVCOL_SPC_BT709,
  AVCOL_SPC_UNSPECIFIED,
  AVCOL_TRC_SMPTE2084,
  type AVColorRange,
  type AVColorSpace,
} from 'node-av/constants';
import { Frame } from 'node-av/lib';
import { Scaler } from './scaler.ts';

/** A picture of 64 × 64 pixels in one colour. */
function plain(yuv: readonly [number, number, number], space: AVColorSpace, range: AVColorRange): Frame {
  const frame = new Frame();
  frame.alloc();
  frame.width = frame.height = 64;
  frame.format = AV_PIX_FMT_YUV420P;
  frame.colorSpace = space;
  frame.colorRange = range;
  assert.equal(frame.getBuffer(0), 0);
  yuv.forEach((value, plane) => {
    frame.data![plane]!.fill(value);
  });
  return frame;
}

function colourOf(frame: Frame): number[] {
  using scaler = new Scaler({ width: 8, height: 8, fit: 'stretch' }, { rotation: 0, pixelAspect: 1 });
  const { data: picture } = scaler.scale(frame);
  frame.free();
  return [...picture.subarray(0, 3)];
}

function assertColour(frame: Frame, wanted: readonly number[]): void {
  const found = colourOf(frame);
  assert.ok(
    found.every((value, i) => Math.abs(value - wanted[i]!) <= 3),
    `${found} is not ${wanted}`,
  );
}

test('the colour matrix is the tagged one; BT.601 without a tag', () => {
  assertColour(plain([63, 102, 240], AVCOL_SPC_BT709, AVCOL_RANGE_MPEG), [255, 0, 0]);
  assertColour(plain([81, 90, 240], AVCOL_SPC_UNSPECIFIED, AVCOL_RANGE_MPEG), [255, 0, 0]);
});

test('the colour range is the tagged one', () => {
  assertColour(plain([235, 128, 128], AVCOL_SPC_BT709, AVCOL_RANGE_MPEG), [255, 255, 255]);
  assertColour(plain([235, 128, 128], AVCOL_SPC_BT709, AVCOL_RANGE_JPEG), [235, 235, 235]);
});

test('the transfer characteristics of HDR change nothing', () => {
  const frame = plain([126, 128, 128], AVCOL_SPC_BT709, AVCOL_RANGE_MPEG);
  frame.colorTrc = AVCOL_TRC_SMPTE2084;
  assertColour(frame, [128, 128, 128]);
});

test('interlaced pictures are scaled as whole frames', () => {
  const frame = plain([235, 128, 128], AVCOL_SPC_BT709, AVCOL_RANGE_MPEG);
  frame.setFlags(AV_FRAME_FLAG_INTERLACED);
  const stride = frame.linesize[0]!;
  for (let y = 1; y < 64; y += 2) frame.data![0]!.fill(16, y * stride, (y + 1) * stride);
  assertColour(frame, [128, 128, 128]);
});

test('a rotated picture is brought upright', () => {
  // White above black: after 90 degrees clockwise, white is on the right.
  const frame = plain([16, 128, 128], AVCOL_SPC_BT709, AVCOL_RANGE_MPEG);
  frame.data![0]!.fill(235, 0, 32 * frame.linesize[0]!);
  using scaler = new Scaler({ width: 8, height: 4, fit: 'stretch' }, { rotation: 90, pixelAspect: 1 });
  const row = scaler.scale(frame).data.subarray(0, 8 * 3);
  frame.free();
  assert.ok(row[0]! < 20 && row[7 * 3]! > 235, `${row}`);
});

test('samples of a large picture cover all of it and keep its colours', () => {
  const frame = plain([63, 102, 240], AVCOL_SPC_BT709, AVCOL_RANGE_MPEG);
  // The right half is black.
  for (let row = 0; row < 64; row++)
    frame.data![0]!.fill(16, row * frame.linesize[0]! + 32, row * frame.linesize[0]! + 64);
  for (const plane of [1, 2])
    for (let row = 0; row < 32; row++)
      frame.data![plane]!.fill(128, row * frame.linesize[plane]! + 16, row * frame.linesize[plane]! + 32);
  using scaler = new Scaler({ width: 8, height: 8, fit: 'stretch', samples: 3 }, { rotation: 0, pixelAspect: 1 });
  const { data: picture } = scaler.scale(frame);
  frame.free();
  for (let pixel = 0; pixel < 64; pixel++) {
    const found = [...picture.subarray(pixel * 3, pixel * 3 + 3)];
    const wanted = pixel % 8 < 4 ? [255, 0, 0] : [0, 0, 0];
    // Chroma has half the resolution and bleeds over the edge.
    if (pixel % 8 < 2 || pixel % 8 > 5)
      assert.ok(
        found.every((value, i) => Math.abs(value - wanted[i]!) <= 4),
        `pixel ${pixel} is ${found}`,
      );
  }
});

test('a size that follows the shape of the picture is asked for with the display size, upright in square pixels', () => {
  const asked: object[] = [];
  const sizeFor = (shown: { width: number; height: number }) => {
    asked.push(shown);
    return { width: 24, height: 8 };
  };
  const size = { fit: 'shape', filter: 'bicubic', sizeFor } as const;
  // A quarter turn of a picture that is red in its left half.
  const frame = plain([63, 102, 240], AVCOL_SPC_BT709, AVCOL_RANGE_MPEG);
  for (let row = 0; row < 64; row++)
    frame.data![0]!.fill(16, row * frame.linesize[0]! + 32, row * frame.linesize[0]! + 64);
  using turned = new Scaler(size, { rotation: 90, pixelAspect: 1.5 });
  const { width, height, data } = turned.scale(frame);
  assert.deepEqual(asked, [{ width: 64, height: 96 }]);
  assert.deepEqual({ width, height, bytes: data.length }, { width: 24, height: 8, bytes: 24 * 8 * 3 });
  assert.ok(data[0]! > data.at(-3)! + 40, 'the left half comes to the top');
  using straight = new Scaler(size, { rotation: 0, pixelAspect: 1.5 });
  straight.scale(frame);
  frame.free();
  assert.deepEqual(asked[1], { width: 96, height: 64 });
});
