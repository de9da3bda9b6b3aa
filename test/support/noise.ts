/** Seeded pseudo-random generator of values from −1 to 1 (Park & Miller 1988). */
export function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48271) % 0x7fffffff;
    return (state / 0x7fffffff) * 2 - 1;
  };
}
