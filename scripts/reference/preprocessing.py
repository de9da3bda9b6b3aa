"""Writes test/support/preprocessing-reference.json: the results of Pillow, torch and torchaudio on real pictures and sound,
with which the tests of preprocessing compare. Debian: python3-pil python3-scipy python3-torchaudio.

Usage: python3 scripts/reference/preprocessing.py MEDIA_FOLDER
"""

import hashlib
import json
import math
import sys
from pathlib import Path

import numpy
import PIL
import scipy.io.wavfile
import torch
import torchaudio
from PIL import Image

SAMPLES = 400
TONES = [0.01, 0.3, 0.77, 0.9]
FILTERS = {"bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC, "lanczos": Image.LANCZOS}
CLIP_MEAN = [0.48145466, 0.4578275, 0.40821073]
CLIP_DEVIATION = [0.26862954, 0.26130258, 0.27577711]


def sampled(values):
    """Every so many of all values, and where they are."""
    flat = numpy.asarray(values, dtype=numpy.float64).reshape(-1)
    step = max(1, flat.size // SAMPLES)
    return {"length": flat.size, "step": step, "values": [round(float(v), 7) for v in flat[::step]]}


def picture(path, *, width, height, fit, shortest_edge=None, filter="bicubic", mean=CLIP_MEAN, deviation=CLIP_DEVIATION):
    """As CLIPImageProcessor of transformers: resize, centre crop, to 0…1, normalise, channels first."""
    image = Image.open(path).convert("RGB")
    if fit == "stretch":
        image = image.resize((width, height), FILTERS[filter])
    else:
        edge = shortest_edge or height
        w, h = image.size
        size = (edge, int(edge * h / w)) if w <= h else (int(edge * w / h), edge)
        image = image.resize(size, FILTERS[filter])
        left, top = (image.width - width) // 2, (image.height - height) // 2
        image = image.crop((left, top, left + width, top + height))
    pixels = numpy.asarray(image)
    tensor = (pixels.astype(numpy.float64) / 255 - numpy.array(mean)) / numpy.array(deviation)
    spec = {"width": width, "height": height, "fit": fit, "filter": filter, "mean": mean, "deviation": deviation}
    if shortest_edge:
        spec["shortestEdge"] = shortest_edge
    return {
        "file": path.name,
        "spec": spec,
        "sha256": hashlib.sha256(pixels.tobytes()).hexdigest(),
        "tensor": sampled(tensor.transpose(2, 0, 1)),
    }


def sound(path, *, rate, window_sec, fill, frame, hop, bands, low, high, scale, area):
    """As ClapFeatureExtractor of transformers, on the file's samples as if they had been recorded at that rate."""
    _, samples = scipy.io.wavfile.read(path)
    if samples.ndim == 2:
        samples = samples[:, 0]
    samples = torch.from_numpy(samples.astype(numpy.float64) / 32768)
    length = round(window_sec * rate)
    samples = samples[:length]
    if fill == "repeat":
        samples = samples.repeat(length // len(samples))
    samples = torch.nn.functional.pad(samples, (0, length - len(samples)))
    spectrum = torch.stft(
        samples, frame, hop, window=torch.hann_window(frame, periodic=True, dtype=torch.float64), center=True,
        pad_mode="reflect", return_complex=True,
    )
    power = spectrum.abs() ** 2
    norm = "slaney" if area == "slaney" else None
    banks = torchaudio.functional.melscale_fbanks(frame // 2 + 1, low, high, bands, rate, norm=norm, mel_scale=scale)
    mel = power.T @ banks.to(torch.float64)
    decibels = 10 * torch.log10(torch.clamp(mel, min=1e-10))
    return {
        "file": path.name,
        "spec": {
            "sampleRate": rate, "windowSec": window_sec, "fill": fill,
            "features": {"kind": "log-mel", "frame": frame, "hop": hop, "bands": bands, "lowHz": low, "highHz": high,
                         "scale": scale, "area": area},
        },
        "tensor": sampled(decibels.numpy()),
    }


def resampled(samples, *, rate, to):
    """As torchaudio and librosa do it at their best: sinc under a Kaiser window of 64 zero crossings to each side."""
    result = torchaudio.functional.resample(
        torch.from_numpy(samples)[None], rate, to, lowpass_filter_width=64, rolloff=0.9475937167399596,
        resampling_method="kaiser_window", beta=14.769656459379492,
    )
    return {"from": rate, "to": to, "samples": sampled(result[0].numpy())}


def resampled_file(path, *, to):
    rate, samples = scipy.io.wavfile.read(path)
    if samples.ndim == 2:
        samples = samples[:, 0]
    return {"file": path.name, **resampled(samples.astype(numpy.float64) / 32768, rate=rate, to=to)}


def resampled_tones(*, rate, to):
    """One second of tones at shares of the lower Nyquist frequency up to where the filter begins to fall."""
    highest = min(rate, to) / 2
    time = numpy.arange(rate) / rate
    tones = sum(0.2 * numpy.sin(2 * math.pi * share * highest * time) for share in TONES)
    return resampled(tones, rate=rate, to=to)


media = Path(sys.argv[1])
images, speech, music = media / "images", media / "audio" / "speech", media / "audio" / "music"
clip = {"width": 224, "height": 224, "fit": "cover"}
clap = {"rate": 48000, "window_sec": 10, "frame": 1024, "hop": 480, "bands": 64, "low": 50.0, "high": 14000.0}
reference = {
    "made with": {"Pillow": PIL.__version__, "torch": torch.__version__, "torchaudio": torchaudio.__version__},
    "pictures": [
        picture(images / "astronaut.png", **clip),
        picture(images / "chelsea.png", **clip),
        picture(images / "coffee.png", **clip),
        picture(images / "coffee.png", **{**clip, "shortest_edge": 256}, filter="bilinear",
                mean=[0.485, 0.456, 0.406], deviation=[0.229, 0.224, 0.225]),
        picture(images / "chelsea.png", width=256, height=256, fit="stretch", filter="lanczos", mean=[0.5] * 3,
                deviation=[0.5] * 3),
        picture(images / "coffee.png", width=640, height=480, fit="stretch", filter="bicubic"),
    ],
    "sounds": [
        sound(music / "trumpet.wav", **clap, fill="repeat", scale="slaney", area="slaney"),
        sound(speech / "jfk.wav", **clap, fill="repeat", scale="slaney", area="slaney"),
        sound(speech / "librivox_austen_0880.wav", **clap, fill="silence", scale="htk", area="none"),
    ],
    "resampled": [
        resampled_file(music / "trumpet.wav", to=48000),
        resampled_file(music / "trumpet.wav", to=16000),
        resampled_file(speech / "jfk.wav", to=48000),
    ],
    "tones": {
        "shares": TONES,
        "resampled": [
            resampled_tones(rate=44100, to=48000),
            resampled_tones(rate=48000, to=16000),
            resampled_tones(rate=22050, to=48000),
        ],
    },
}
target = Path(__file__).parents[2] / "test" / "support" / "preprocessing-reference.json"
target.write_text(json.dumps(reference) + "\n")
