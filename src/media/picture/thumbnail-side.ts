/** Longest side of a thumbnail, in pixels. Smaller pictures are not enlarged. */
export const THUMBNAIL_SIDE_PX = 640;
