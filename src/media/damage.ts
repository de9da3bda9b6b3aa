/** A frame that came out of a decoder in a shape that nothing can be done with: the media is damaged there. */
export class Undecodable extends Error {
  override name = 'Undecodable';
}
