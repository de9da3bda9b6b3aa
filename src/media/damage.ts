/** Error for a decoded frame that cannot be processed, since the media is damaged there. */
export class Undecodable extends Error {
  override name = 'Undecodable';
}
