/** Noise from −1 to 1 that is the same on every run (Park & Miller 1988). */
export function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48271) % 0x7fffffff;
    return (state / 0x7fffffff) * 2 - 1;
  };
}
