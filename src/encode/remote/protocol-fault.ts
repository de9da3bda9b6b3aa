/** Response that violates a server's protocol, or does not fit the bundle. A retry would not help. */
export class ProtocolFault extends Error {
  override name = 'ProtocolFault';
}
