// Browser script of the page that `plot.ts` renders. Has no dependencies.

const data = JSON.parse(document.getElementById('data').textContent);
const bytes = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
const times = new Float32Array(bytes(data.times).buffer);
const [change, threshold, gradual] = [data.change, data.threshold, data.gradual].map(bytes);
const durationSec = Math.max(data.durationSec, times.at(-1) ?? 0);

const plot = document.getElementById('plot');
const overview = document.getElementById('overview');
const reading = document.getElementById('reading');
/** Minimum visible time span in seconds. */
const MIN_VIEW_SEC = Math.min(1, durationSec);
const view = { from: 0, to: durationSec };

/** Vertical extents of the lanes of the plot in pixels. */
const LANES = { thumbnails: [4, 110], change: [124, 300], gradual: [312, 400], axis: [404, 430] };

const thumbnails = data.shots.map(({ thumbnail }) => {
  if (!thumbnail) return undefined;
  const image = new Image();
  image.onload = () => draw();
  return { image, source: `data:image/jpeg;base64,${thumbnail}` };
});

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`);
const probe = document.createElement('span');
document.body.append(probe);
/** Computed value of a colour. A canvas does not support `light-dark()`, so the page resolves it. */
function paint(name) {
  probe.style.color = colour(name);
  return getComputedStyle(probe).color;
}

function clock(sec, digits = 0) {
  const whole = Math.floor(sec);
  const two = (value) => String(value).padStart(2, '0');
  const rest = digits > 0 ? (sec - whole).toFixed(digits).slice(1) : '';
  const hours = whole >= 3600 ? `${Math.floor(whole / 3600)}:` : '';
  return `${hours}${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}${rest}`;
}

/** Index of the first value at or after a time. */
function indexAt(sec) {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] < sec) low = middle + 1;
    else high = middle;
  }
  return low;
}

function open(canvas) {
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  canvas.width = width * devicePixelRatio;
  canvas.height = height * devicePixelRatio;
  const context = canvas.getContext('2d');
  context.scale(devicePixelRatio, devicePixelRatio);
  context.font = '11px system-ui, sans-serif';
  return { context, width, height };
}

/** Draws values as an area or a line. Each pixel column shows its maximum. */
function curve(context, values, { from, to, width, y, isLine }) {
  const toX = (sec) => ((sec - from) / (to - from)) * width;
  const first = Math.max(0, indexAt(from) - 1);
  const last = Math.min(values.length - 1, indexAt(to));
  context.beginPath();
  if (!isLine) context.moveTo(toX(times[first]), y(0));
  for (let i = first; i <= last; ) {
    const column = Math.floor(toX(times[i]));
    const x = toX(times[i]);
    let most = 0;
    for (; i <= last && Math.floor(toX(times[i])) === column; i++) most = Math.max(most, values[i]);
    context.lineTo(x, y(most));
  }
  if (isLine) return context.stroke();
  context.lineTo(toX(times[last]), y(0));
  context.fill();
}

const scaleY =
  ([top, bottom], most) =>
  (value) =>
    bottom - Math.min(1, value / most) * (bottom - top);

function drawOverview() {
  const { context, width, height } = open(overview);
  context.fillStyle = paint('change');
  const y = scaleY([2, height], 80 / data.changeStep);
  curve(context, change, { from: 0, to: durationSec, width, y });
  for (const { startSec, transition } of data.shots.slice(1)) {
    context.fillStyle = paint(transition === 'cut' ? 'cut' : 'gradual');
    context.fillRect((startSec / durationSec) * width, 0, 1, 6);
  }
  context.fillStyle = paint('line');
  context.globalAlpha = 0.6;
  context.fillRect(0, 0, (view.from / durationSec) * width, height);
  context.fillRect((view.to / durationSec) * width, 0, width, height);
}

function drawAxis(context, toX, width) {
  const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 600, 1800];
  const step = steps.find((sec) => (sec / (view.to - view.from)) * width > 70) ?? 3600;
  context.fillStyle = paint('faint');
  context.strokeStyle = paint('line');
  for (let sec = Math.ceil(view.from / step) * step; sec <= view.to; sec += step) {
    context.beginPath();
    context.moveTo(toX(sec), LANES.change[0]);
    context.lineTo(toX(sec), LANES.axis[0] + 4);
    context.stroke();
    context.fillText(clock(sec, step < 1 ? 1 : 0), toX(sec) + 3, LANES.axis[1] - 8);
  }
}

/** Draws the thumbnail of each shot above the shot, if it fits. */
function drawThumbnails(context, toX, width) {
  const [top, bottom] = LANES.thumbnails;
  let free = 0;
  data.shots.forEach(({ startSec, endSec }, i) => {
    const thumbnail = thumbnails[i];
    const [left, right] = [Math.max(0, toX(startSec)), Math.min(width, toX(endSec))];
    if (!thumbnail || right <= 0 || left >= width || right - left < 24) return;
    thumbnail.image.src ||= thumbnail.source;
    const { naturalWidth, naturalHeight } = thumbnail.image;
    if (!naturalWidth) return;
    const scale = Math.min(1, (bottom - top - 14) / naturalHeight, (right - left - 2) / naturalWidth);
    const x = Math.max(free, (left + right - naturalWidth * scale) / 2);
    context.drawImage(thumbnail.image, x, top + 14, naturalWidth * scale, naturalHeight * scale);
    free = x + naturalWidth * scale;
    context.fillStyle = paint('faint');
    context.fillText(i + 1, x, top + 10);
  });
}

function drawBoundaries(context, toX) {
  const [top, bottom] = [LANES.thumbnails[0], LANES.gradual[1]];
  for (const { startSec, transition, extentSec } of data.shots.slice(1)) {
    if (extentSec[1] < view.from || extentSec[0] > view.to) continue;
    context.fillStyle = paint('shade');
    if (transition === 'gradual')
      context.fillRect(toX(extentSec[0]), top, Math.max(1, toX(extentSec[1]) - toX(extentSec[0])), bottom - top);
    // Faint over the curves, whose peaks are at the same positions.
    context.fillStyle = paint(transition === 'cut' ? 'cut' : 'gradual');
    context.fillRect(toX(startSec) - 0.5, top, 1, LANES.change[0] - top);
    context.globalAlpha = 0.3;
    context.fillRect(toX(startSec) - 0.5, LANES.change[0], 1, bottom - LANES.change[0]);
    context.globalAlpha = 1;
  }
}

function draw() {
  drawOverview();
  const { context, width } = open(plot);
  const toX = (sec) => ((sec - view.from) / (view.to - view.from)) * width;
  drawAxis(context, toX, width);
  drawBoundaries(context, toX);
  drawThumbnails(context, toX, width);
  const changeY = scaleY(LANES.change, 80 / data.changeStep);
  context.fillStyle = paint('change');
  curve(context, change, { ...view, width, y: changeY });
  context.strokeStyle = paint('threshold');
  curve(context, threshold, { ...view, width, y: changeY, isLine: true });
  const gradualY = scaleY(LANES.gradual, 2 / data.gradualStep);
  context.fillStyle = paint('gradual');
  curve(context, gradual, { ...view, width, y: gradualY });
  context.strokeStyle = paint('threshold');
  const least = gradualY(data.gradualThreshold / data.gradualStep);
  context.strokeRect(-1, least, width + 2, 0);
  context.fillStyle = paint('faint');
  context.fillText('change', 4, LANES.change[0] - 2);
  context.fillText('gradual', 4, LANES.gradual[0] - 2);
}

function show(from, to) {
  const length = Math.min(durationSec, Math.max(MIN_VIEW_SEC, to - from));
  view.from = Math.min(durationSec - length, Math.max(0, to - from < MIN_VIEW_SEC ? (from + to - length) / 2 : from));
  view.to = view.from + length;
  requestAnimationFrame(draw);
}

function zoom(factor, centre = (view.from + view.to) / 2) {
  show(centre - (centre - view.from) * factor, centre + (view.to - centre) * factor);
}

const secAt = (event) => view.from + (event.offsetX / plot.clientWidth) * (view.to - view.from);

plot.addEventListener(
  'wheel',
  (event) => {
    event.preventDefault();
    const step = ((view.to - view.from) * event.deltaX) / plot.clientWidth;
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) show(view.from + step, view.to + step);
    else zoom(1.0015 ** event.deltaY, secAt(event));
  },
  { passive: false },
);
plot.addEventListener('pointerdown', (event) => plot.setPointerCapture(event.pointerId));
plot.addEventListener('pointermove', (event) => {
  const step = (-event.movementX / plot.clientWidth) * (view.to - view.from);
  if (event.buttons & 1) show(view.from + step, view.to + step);
  const i = Math.max(0, Math.min(times.length - 1, indexAt(secAt(event))));
  const values = [change[i] * data.changeStep, threshold[i] * data.changeStep].map((value) => value.toFixed(1));
  reading.textContent =
    `${clock(times[i], 3)}  frame ${i * data.framesPerValue}  change ${values[0]} of ${values[1]}  ` +
    `gradual ${(gradual[i] * data.gradualStep).toFixed(2)} of ${data.gradualThreshold}`;
});
overview.addEventListener('pointerdown', (event) => overview.setPointerCapture(event.pointerId));
for (const type of ['pointerdown', 'pointermove'])
  overview.addEventListener(type, (event) => {
    if (!(event.buttons & 1)) return;
    const half = (view.to - view.from) / 2;
    const centre = (event.offsetX / overview.clientWidth) * durationSec;
    show(centre - half, centre + half);
  });
document.getElementById('in').onclick = () => zoom(0.5);
document.getElementById('out').onclick = () => zoom(2);
document.getElementById('all').onclick = () => show(0, durationSec);
addEventListener('resize', draw);

document.title = data.name;
document.querySelector('h1').textContent = data.name;
const cuts = data.shots.filter(({ transition }) => transition === 'cut').length;
document.getElementById('summary').textContent =
  `${clock(durationSec, 1)}, ${data.frameCount} frames. Shots: ${data.shots.length}, ` +
  `cuts: ${cuts}, gradual transitions: ${data.shots.length - 1 - cuts}`;
data.shots.forEach(({ startSec, endSec, startFrame, transition }, i) => {
  const figure = document.createElement('figure');
  const image = document.createElement('img');
  const caption = document.createElement('figcaption');
  const number = document.createElement('b');
  number.textContent = `${i + 1} `;
  image.loading = 'lazy';
  image.alt = '';
  if (thumbnails[i]) image.src = thumbnails[i].source;
  caption.append(number, `${clock(startSec, 2)} · ${(endSec - startSec).toFixed(1)} s · ${transition} ${startFrame}`);
  figure.append(image, caption);
  figure.onclick = () => show(startSec - 1, Math.min(endSec, startSec + 8) + 1);
  document.getElementById('shots').append(figure);
});
draw();
