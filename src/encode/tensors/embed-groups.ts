/**
 * Embeds the items of several groups in one call, so that batches may hold items of different groups.
 * @param embed returns one vector per item, in order
 * @returns the vectors of each group, in order
 */
export async function embedGroups<Item>(
  groups: readonly (readonly Item[])[],
  embed: (items: readonly Item[]) => Promise<readonly Float32Array[]>,
): Promise<Float32Array[][]> {
  const vectors = await embed(groups.flat());
  let end = 0;
  return groups.map(({ length }) => {
    end += length;
    return vectors.slice(end - length, end);
  });
}
